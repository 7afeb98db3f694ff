//! What queries need: the table in Glue, compared with the one idtrail writes,
//! and a query of Athena that reads nothing.

use std::time::Duration;

use audit::schema::Column;
use aws_config::SdkConfig;
use aws_sdk_athena::types::{QueryExecutionState, ResultConfiguration};
use aws_sdk_glue::types::Table;

use super::Live;
use crate::{
    aws::{
        Cloud, Store,
        location::{Location, partition},
        operation::{GET_QUERY, GET_RESULTS, GET_TABLE, START_QUERY},
        trouble::{Trouble, ask},
    },
    finding::Finding,
    settings::{Aws, Prefix},
};

/// Athena queues queries; this one has nothing to do.
const LOOKS_MAX: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(500);

const PARTITION_KEYS: [(&str, &str); 2] = [("tenant_id", "string"), ("event_date", "date")];

impl Live {
    pub(super) async fn query_side(
        &mut self,
        config: &SdkConfig,
        aws: &Aws,
        cloud: &Cloud,
        nonce: u64,
    ) {
        match (&aws.database, &aws.table) {
            (Some(database), Some(table)) => self.table(config, aws, database, table).await,
            _ => self.skipped(
                GET_TABLE.action,
                "set identity_activity_center.database and .table to have it tried",
            ),
        }
        let Some(results) = &aws.results else {
            return self.skipped(
                START_QUERY.action,
                "set identity_activity_center.s3_results to have it tried",
            );
        };
        let owner = aws.bucket_owner.as_ref();
        let location = Location::new(results, "", &aws.region, owner);
        let store = Store::new(cloud.lake.client.clone(), location);
        self.store(&store, &format!("_probe/{nonce:016x}")).await;
        match &aws.workgroup {
            Some(workgroup) => self.query(config, aws, workgroup, &store, nonce).await,
            None => self.skipped(
                START_QUERY.action,
                "set identity_activity_center.workgroup to have it tried",
            ),
        }
    }

    async fn table(&mut self, config: &SdkConfig, aws: &Aws, database: &str, table: &str) {
        let arn = format!(
            "arn:{}:glue:{}:{}:table/{database}/{table}",
            partition(&aws.region),
            aws.region,
            aws.account()
        );
        self.trying(&arn);
        let request = aws_sdk_glue::Client::new(config).get_table();
        let request = request.database_name(database).name(table);
        let answer = ask(GET_TABLE, &arn, request.send()).await;
        let Some(found) = self.note(GET_TABLE, &arn, answer).and_then(|it| it.table) else {
            return;
        };
        let unlike = differences(&found, &aws.lake);
        if unlike.is_empty() {
            self.add(Finding::good("the table's columns and location", &arn));
        }
        for reason in unlike {
            self.add(Finding::bad(
                "the table's columns and location",
                &arn,
                reason,
            ));
        }
    }

    async fn query(
        &mut self,
        config: &SdkConfig,
        aws: &Aws,
        workgroup: &str,
        results: &Store,
        nonce: u64,
    ) {
        let arn = format!(
            "arn:{}:athena:{}:{}:workgroup/{workgroup}",
            partition(&aws.region),
            aws.region,
            aws.account()
        );
        self.trying(&arn);
        let client = aws_sdk_athena::Client::new(config);
        let folder = format!("_probe/{nonce:016x}/");
        let Ok(below) = results.location.key(&folder) else {
            return;
        };
        let output = format!("s3://{}/{below}", results.location.bucket);
        let request = client
            .start_query_execution()
            .query_string("SELECT 1")
            .work_group(workgroup)
            .result_configuration(
                ResultConfiguration::builder()
                    .output_location(output)
                    .build(),
            );
        let begun = ask(START_QUERY, &arn, request.send()).await;
        let Some(begun) = self.note(START_QUERY, &arn, begun) else {
            return;
        };
        let id = begun.query_execution_id().unwrap_or_default();
        if self.ended(&client, id, &arn).await {
            let request = client.get_query_results().query_execution_id(id);
            let answer = ask(GET_RESULTS, &arn, request.send()).await;
            self.note(GET_RESULTS, &arn, answer);
        }
        self.clear(results, &below).await;
    }

    /// Whether the query came to a good end.
    async fn ended(&mut self, client: &aws_sdk_athena::Client, id: &str, arn: &str) -> bool {
        for _ in 0..LOOKS_MAX {
            let request = client.get_query_execution().query_execution_id(id);
            let execution = match ask(GET_QUERY, arn, request.send()).await {
                Ok(answer) => answer.query_execution,
                Err(trouble) => {
                    self.note::<()>(GET_QUERY, arn, Err(trouble));
                    return false;
                }
            };
            let status = execution.and_then(|execution| execution.status);
            match status.as_ref().and_then(|status| status.state()) {
                Some(QueryExecutionState::Succeeded) => {
                    self.note(GET_QUERY, arn, Ok(()));
                    return true;
                }
                Some(QueryExecutionState::Failed | QueryExecutionState::Cancelled) => {
                    let reason = status.and_then(|status| status.state_change_reason);
                    let reason = reason.unwrap_or_else(|| "it gave no reason".to_owned());
                    let reason = format!("SELECT 1 failed, look at the workgroup: {reason}");
                    self.add(Finding::bad("SELECT 1", arn, reason));
                    return false;
                }
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        let reason = "SELECT 1 did not end in time, look at the workgroup's queue".to_owned();
        self.add(Finding::bad("SELECT 1", arn, reason));
        false
    }

    /// Removes what Athena wrote.
    async fn clear(&mut self, results: &Store, below: &str) {
        let removed: Result<(), Trouble> = async {
            for listed in results.pages(below, None).await? {
                if let Ok(key) = results.location.key(&listed.key) {
                    results.remove_versions(&key).await?;
                }
            }
            Ok(())
        }
        .await;
        if let Err(trouble) = removed {
            let left = format!("s3://{}/{below} is left behind", results.location.bucket);
            self.add(Finding::bad("tidying up", &left, trouble.what).unsure());
        }
    }
}

/// What makes this table another than the one that idtrail's files are for.
fn differences(table: &Table, lake: &Prefix) -> Vec<String> {
    let storage = table.storage_descriptor();
    let columns = storage.map(|storage| storage.columns()).unwrap_or_default();
    let names = |columns: &[aws_sdk_glue::types::Column]| -> Vec<(String, String)> {
        columns
            .iter()
            .map(|column| {
                let kind = column.r#type().unwrap_or_default();
                (column.name().to_lowercase(), kind.to_lowercase())
            })
            .collect()
    };
    let expected: Vec<(String, String)> = Column::ALL
        .iter()
        .map(|column| (column.name().to_owned(), kind(*column).to_owned()))
        .collect();
    let mut unlike = Vec::new();
    let columns = names(columns);
    for (name, kind) in &expected {
        match columns.iter().find(|(known, _)| known == name) {
            None => unlike.push(format!("column {name} {kind} is missing: add it")),
            Some((_, other)) if other != kind => {
                unlike.push(format!("column {name} is {other}: make it {kind}"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in &columns {
        if !expected.iter().any(|(known, _)| known == name) {
            unlike.push(format!(
                "column {name} is in no file: it will always be NULL"
            ));
        }
    }
    let keys = names(table.partition_keys());
    let wanted = PARTITION_KEYS.map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    if keys != wanted {
        unlike.push("its partition keys are not tenant_id string, event_date date".to_owned());
    }
    let location = storage
        .and_then(|storage| storage.location())
        .unwrap_or_default();
    if Prefix::parse(location).as_ref() != Some(lake) {
        unlike.push(format!(
            "its location is {location}, and the lake is {lake}"
        ));
    }
    unlike
}

/// As Athena names it.
fn kind(column: Column) -> &'static str {
    match column {
        Column::Latitude | Column::Longitude => "double",
        Column::EventTime => "timestamp",
        _ => "string",
    }
}
