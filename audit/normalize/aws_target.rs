//! What an AWS API call acted on.
//!
//! The first of `resources[]` that has an ARN, else the request parameter that
//! tells most. Parameters are ranked: the person, role or group changed, then
//! the thing itself, then what contains it, then the words that nearly every
//! service uses for something (`name`). Among equals the first in the event
//! wins. A kind is CloudTrail's resource type, else the noun of the parameter.
//! For an assumed role that is the role's ARN, for a call on several instances
//! the first.

use std::borrow::Cow;

use super::{
    json::{Invalid, List, Number, Object},
    text::word,
    tolerant::{Tolerant, object},
};
use crate::row::{Target, Text};

object! {
    pub(super) struct Resource<'de> {
        "ARN" => arn: Text<'de>,
        "arn" => lower_arn: Text<'de>,
        "type" => kind: Text<'de>,
    }
}

/// The most telling of the request parameters.
#[derive(Default)]
pub(super) struct Parameters<'de> {
    best: Option<(&'static Parameter, Cow<'de, str>)>,
}

struct Parameter {
    name: &'static str,
    kind: &'static str,
    rank: u8,
}

/// `{"items": [{"instanceId": …}]}`, or the id itself.
#[derive(Default)]
struct Value<'de>(Text<'de>);

object! {
    struct Items<'de> {
        "items" => items: Vec<Item<'de>>,
        "instanceId" => instance: Text<'de>,
    }
}

object! {
    struct Item<'de> {
        "instanceId" => instance: Text<'de>,
        "groupId" => group: Text<'de>,
        "resourceId" => resource: Text<'de>,
    }
}

const fn parameter(name: &'static str, kind: &'static str, rank: u8) -> Parameter {
    Parameter { name, kind, rank }
}

/// Sorted by name, for the binary search.
static PARAMETERS: [Parameter; 69] = [
    parameter("DBClusterIdentifier", "db_cluster", 1),
    parameter("DBInstanceIdentifier", "db_instance", 1),
    parameter("alarmName", "alarm", 1),
    parameter("allocationId", "address", 1),
    parameter("associationId", "association", 2),
    parameter("attachmentId", "attachment", 3),
    parameter("bucket", "bucket", 2),
    parameter("bucketName", "bucket", 1),
    parameter("certificateArn", "certificate", 1),
    parameter("clusterName", "cluster", 2),
    parameter("dBClusterIdentifier", "db_cluster", 1),
    parameter("dBClusterSnapshotIdentifier", "db_snapshot", 1),
    parameter("dBInstanceIdentifier", "db_instance", 2),
    parameter("dBSnapshotIdentifier", "db_snapshot", 1),
    parameter("detectorId", "detector", 1),
    parameter("documentName", "document", 2),
    parameter("domainName", "domain", 2),
    parameter("fileSystemId", "file_system", 1),
    parameter("flowLogId", "flow_log", 1),
    parameter("functionName", "function", 1),
    parameter("groupId", "security_group", 1),
    parameter("groupName", "group", 1),
    parameter("guardrailIdentifier", "guardrail", 1),
    parameter("hostedZoneId", "hosted_zone", 1),
    parameter("imageId", "image", 2),
    parameter("instanceId", "instance", 1),
    parameter("instanceIds", "instance", 1),
    parameter("instanceProfileName", "instance_profile", 1),
    parameter("instancesSet", "instance", 1),
    parameter("internetGatewayId", "internet_gateway", 1),
    parameter("keyId", "key", 2),
    parameter("keyName", "key_pair", 2),
    parameter("logGroupName", "log_group", 1),
    parameter("modelId", "model", 2),
    parameter("name", "resource", 4),
    parameter("networkAclId", "network_acl", 1),
    parameter("networkInterfaceId", "network_interface", 1),
    parameter("organizationId", "organization", 2),
    parameter("policyArn", "policy", 1),
    parameter("policyName", "policy", 1),
    parameter("queueUrl", "queue", 1),
    parameter("resourceArn", "resource", 3),
    parameter("resourceId", "resource", 3),
    parameter("resourceName", "resource", 3),
    parameter("resourcesSet", "resource", 3),
    parameter("restApiId", "api", 1),
    parameter("roleArn", "role", 2),
    parameter("roleName", "role", 0),
    parameter("routeTableId", "route_table", 1),
    parameter("s3BucketName", "bucket", 3),
    parameter("sAMLProviderArn", "saml_provider", 1),
    parameter("secretId", "secret", 1),
    parameter("serviceName", "service", 3),
    parameter("sessionId", "session", 2),
    parameter("snapshotId", "snapshot", 1),
    parameter("sourceArn", "resource", 3),
    parameter("sourceDBClusterSnapshotIdentifier", "db_snapshot", 2),
    parameter("sourceDBSnapshotIdentifier", "db_snapshot", 2),
    parameter("stackName", "stack", 1),
    parameter("subnetId", "subnet", 2),
    parameter("subscriptionArn", "subscription", 1),
    parameter("tableName", "table", 1),
    parameter("target", "resource", 4),
    parameter("topicArn", "topic", 1),
    parameter("trailName", "trail", 1),
    parameter("userName", "user", 0),
    parameter("vaultName", "vault", 1),
    parameter("volumeId", "volume", 1),
    parameter("vpcId", "vpc", 3),
];

pub(super) fn target<'a>(resources: Vec<Resource<'a>>, parameters: Parameters<'a>) -> Target<'a> {
    let (by_parameter, value) = match parameters.best {
        Some((parameter, value)) => (word(parameter.kind), Some(value)),
        None => (None, None),
    };
    for resource in resources {
        if let Some(arn) = resource.arn.or(resource.lower_arn) {
            return Target {
                resource: Some(arn.clone()),
                kind: resource.kind.or(by_parameter),
                location: None,
                id: Some(arn),
            };
        }
    }
    Target {
        resource: value.clone(),
        kind: by_parameter,
        location: None,
        id: value,
    }
}

impl<'de> Tolerant<'de> for Parameters<'de> {
    fn take_object(&mut self, object: &mut Object<'_, 'de>) -> Result<(), Invalid> {
        self.best = None;
        while let Some(key) = object.key()? {
            let known = PARAMETERS
                .binary_search_by(|parameter| parameter.name.cmp(&key))
                .map(|index| &PARAMETERS[index]);
            match known {
                Ok(found)
                    if self
                        .best
                        .as_ref()
                        .is_none_or(|(kept, _)| found.rank < kept.rank) =>
                {
                    let mut value = Value::default();
                    object.value(&mut value)?;
                    if let Some(value) = value.0 {
                        self.best = Some((found, value));
                    }
                }
                _ => object.skip()?,
            }
        }
        Ok(())
    }
}

impl<'de> Tolerant<'de> for Value<'de> {
    fn take_text(&mut self, text: Cow<'de, str>) {
        self.0.take_text(text);
    }

    fn take_number(&mut self, number: Number<'de>) {
        self.0.take_number(number);
    }

    fn take_list(&mut self, list: &mut List<'_, 'de>) -> Result<(), Invalid> {
        self.0.take_list(list)
    }

    fn take_object(&mut self, object: &mut Object<'_, 'de>) -> Result<(), Invalid> {
        let mut read = Items::default();
        read.take_object(object)?;
        let mut ids = read
            .items
            .into_iter()
            .map(|item| item.instance.or(item.group).or(item.resource));
        self.0 = read.instance.or_else(|| ids.find_map(|id| id));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::json::read;

    #[test]
    fn parameters_are_sorted_for_the_search() {
        assert!(PARAMETERS.is_sorted_by(|a, b| a.name < b.name));
    }

    fn check(parameters: &str, expected: Option<(&str, &str)>) {
        let read: Parameters<'_> = read(parameters).expect(parameters);
        let shown = read
            .best
            .as_ref()
            .map(|(found, value)| (found.kind, value.as_ref()));
        assert_eq!(shown, expected, "{parameters}");
    }

    #[test]
    fn the_most_telling_parameter_wins_wherever_it_stands() {
        for (parameters, expected) in [
            (
                r#"{"policyArn":"p","userName":"bob"}"#,
                Some(("user", "bob")),
            ),
            (
                r#"{"userName":"bob","groupName":"g"}"#,
                Some(("user", "bob")),
            ),
            (r#"{"userName":null,"groupName":"g"}"#, Some(("group", "g"))),
            (
                r#"{"vpcId":"vpc-1","subnetId":"subnet-1"}"#,
                Some(("subnet", "subnet-1")),
            ),
            (r#"{"name":"n","Host":"h"}"#, Some(("resource", "n"))),
            (
                r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#,
                Some(("instance", "i-1")),
            ),
            (
                r#"{"instanceIds":["i-1","i-2"]}"#,
                Some(("instance", "i-1")),
            ),
            (r#"{"instanceType":{"value":"t3"}}"#, None),
            (r#"{"filterSet":{}}"#, None),
            ("\"userName\"", None),
            ("null", None),
        ] {
            check(parameters, expected);
        }
    }
}
