//! The columns of the lake's table: a closed set, in the table's order.
//!
//! The table is fixed: Athena users already have it. All 29 columns are
//! nullable; strings are plain Arrow `Utf8`, so that no view, large or
//! dictionary type leaks into the Arrow schema that Parquet files embed.
//! Batches travel *narrow*, without `event_data`, which stays beside them as
//! raw bytes until a file is written.

use std::{fmt, str::FromStr, sync::LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// A column, by its position in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(usize)]
pub enum Column {
    EventSource,
    Identity,
    IdentityKind,
    IdentityId,
    Token,
    Action,
    Origin,
    Status,
    Ip,
    City,
    Country,
    Region,
    Latitude,
    Longitude,
    TargetResource,
    TargetKind,
    TargetLocation,
    TargetId,
    UserAgent,
    EventType,
    EventTime,
    Uid,
    EventData,
    AwsAccountId,
    AwsService,
    GithubOrganization,
    GithubRepo,
    OktaOrg,
    TeleportCluster,
}

/// Columns of the lake's table, without the partition keys.
pub const LAKE_COLUMNS: usize = Column::ALL.len();

/// Columns of a narrow batch.
pub const NARROW_COLUMNS: usize = LAKE_COLUMNS - 1;

/// Columns of a narrow batch that hold text.
pub const TEXT_COLUMNS: usize = NARROW_COLUMNS - 3;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown column {0:?}, expected one of the table's 29 names such as identity or event_time"
)]
pub struct UnknownColumn(pub String);

impl Column {
    pub const ALL: [Column; 29] = [
        Column::EventSource,
        Column::Identity,
        Column::IdentityKind,
        Column::IdentityId,
        Column::Token,
        Column::Action,
        Column::Origin,
        Column::Status,
        Column::Ip,
        Column::City,
        Column::Country,
        Column::Region,
        Column::Latitude,
        Column::Longitude,
        Column::TargetResource,
        Column::TargetKind,
        Column::TargetLocation,
        Column::TargetId,
        Column::UserAgent,
        Column::EventType,
        Column::EventTime,
        Column::Uid,
        Column::EventData,
        Column::AwsAccountId,
        Column::AwsService,
        Column::GithubOrganization,
        Column::GithubRepo,
        Column::OktaOrg,
        Column::TeleportCluster,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Column::EventSource => "event_source",
            Column::Identity => "identity",
            Column::IdentityKind => "identity_kind",
            Column::IdentityId => "identity_id",
            Column::Token => "token",
            Column::Action => "action",
            Column::Origin => "origin",
            Column::Status => "status",
            Column::Ip => "ip",
            Column::City => "city",
            Column::Country => "country",
            Column::Region => "region",
            Column::Latitude => "latitude",
            Column::Longitude => "longitude",
            Column::TargetResource => "target_resource",
            Column::TargetKind => "target_kind",
            Column::TargetLocation => "target_location",
            Column::TargetId => "target_id",
            Column::UserAgent => "user_agent",
            Column::EventType => "event_type",
            Column::EventTime => "event_time",
            Column::Uid => "uid",
            Column::EventData => "event_data",
            Column::AwsAccountId => "aws_account_id",
            Column::AwsService => "aws_service",
            Column::GithubOrganization => "github_organization",
            Column::GithubRepo => "github_repo",
            Column::OktaOrg => "okta_org",
            Column::TeleportCluster => "teleport_cluster",
        }
    }

    /// Position in [`lake`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Position in [`narrow`]; `None` for `event_data`, which is not in it.
    pub const fn narrow_index(self) -> Option<usize> {
        let index = self.index();
        let gap = Column::EventData.index();
        if index == gap {
            None
        } else if index < gap {
            Some(index)
        } else {
            Some(index - 1)
        }
    }

    pub fn data_type(self) -> DataType {
        match self {
            Column::Latitude | Column::Longitude => DataType::Float64,
            Column::EventTime => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            _ => DataType::Utf8,
        }
    }

    fn field(self) -> Field {
        Field::new(self.name(), self.data_type(), true)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Column {
    type Err = UnknownColumn;

    fn from_str(name: &str) -> Result<Column, UnknownColumn> {
        Column::ALL
            .into_iter()
            .find(|column| column.name() == name)
            .ok_or_else(|| UnknownColumn(name.chars().take(64).collect()))
    }
}

/// All 29 columns: the schema of the lake's files.
pub fn lake() -> SchemaRef {
    static LAKE: LazyLock<SchemaRef> =
        LazyLock::new(|| Schema::new(Column::ALL.map(Column::field).to_vec()).into());
    LAKE.clone()
}

/// All columns but `event_data`: the schema of batches on their way.
pub fn narrow() -> SchemaRef {
    static NARROW: LazyLock<SchemaRef> = LazyLock::new(|| {
        let columns = Column::ALL.into_iter();
        let kept = columns.filter(|column| column.narrow_index().is_some());
        Schema::new(kept.map(Column::field).collect::<Vec<_>>()).into()
    });
    NARROW.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_names_agree_with_both_schemas() {
        for column in Column::ALL {
            assert_eq!(lake().field(column.index()).name(), column.name());
            assert_eq!(column.name().parse(), Ok(column));
            if let Some(index) = column.narrow_index() {
                assert_eq!(narrow().field(index).name(), column.name());
            }
        }
        assert_eq!(lake().fields().len(), LAKE_COLUMNS);
        assert_eq!(narrow().fields().len(), NARROW_COLUMNS);
    }

    #[test]
    fn the_table_is_the_one_that_athena_users_have() {
        let shown: Vec<String> = lake()
            .fields()
            .iter()
            .filter(|field| *field.data_type() != DataType::Utf8)
            .map(|field| format!("{} {}", field.name(), field.data_type()))
            .collect();
        let expected = [
            "latitude Float64",
            "longitude Float64",
            "event_time Timestamp(ms, \"UTC\")",
        ];
        assert_eq!(shown, expected);
        assert!(lake().fields().iter().all(|field| field.is_nullable()));
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!("tenant_id".parse::<Column>().is_err());
    }
}
