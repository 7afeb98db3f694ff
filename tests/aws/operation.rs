//! Which operation of AWS an HTTP request is: `sqs:ReceiveMessage`,
//! `s3:PutObject`. Services with JSON name it in a header; S3 means it by
//! method, path and query.

use hyper::{HeaderMap, Method, Uri};

pub(crate) fn operation(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let target = headers
        .get("x-amz-target")
        .and_then(|name| name.to_str().ok());
    if let Some((service, operation)) = target.and_then(|name| name.rsplit_once('.')) {
        let service = match service {
            "AmazonSQS" => "sqs",
            "AWSGlue" => "glue",
            "AmazonAthena" => "athena",
            other => other,
        };
        return format!("{service}:{operation}");
    }
    let path = uri.path().trim_start_matches('/');
    let of_object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let query = uri.query().unwrap_or("");
    let names: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .collect();
    format!("s3:{}", of_s3(method, of_object, &names))
}

fn of_s3(method: &Method, of_object: bool, query: &[&str]) -> &'static str {
    let asks = |name| query.contains(&name);
    match (method.as_str(), of_object) {
        ("GET", true) if asks("uploadId") => "ListParts",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("PUT", true) if asks("partNumber") => "UploadPart",
        ("PUT", true) => "PutObject",
        ("POST", true) if asks("uploads") => "CreateMultipartUpload",
        ("POST", true) => "CompleteMultipartUpload",
        ("DELETE", true) if asks("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) if asks("versions") => "ListObjectVersions",
        ("GET", false) if asks("uploads") => "ListMultipartUploads",
        ("GET", false) if asks("location") => "GetBucketLocation",
        ("GET", false) => "ListObjectsV2",
        ("HEAD", false) => "HeadBucket",
        ("POST", false) => "DeleteObjects",
        _ => "Unknown",
    }
}

#[test]
fn a_request_is_known_by_its_header_or_by_method_and_path() {
    let named = |name: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", name.parse().expect("a header's value"));
        headers
    };
    for (method, uri, headers, expected) in [
        (
            "POST",
            "/",
            named("AmazonSQS.SendMessageBatch"),
            "sqs:SendMessageBatch",
        ),
        ("POST", "/", named("AWSGlue.GetTable"), "glue:GetTable"),
        ("PUT", "/bucket/a/b", HeaderMap::new(), "s3:PutObject"),
        (
            "PUT",
            "/bucket/a?partNumber=1&uploadId=x",
            HeaderMap::new(),
            "s3:UploadPart",
        ),
        (
            "GET",
            "/bucket/?list-type=2&prefix=a",
            HeaderMap::new(),
            "s3:ListObjectsV2",
        ),
        (
            "GET",
            "/bucket?location",
            HeaderMap::new(),
            "s3:GetBucketLocation",
        ),
        ("HEAD", "/bucket", HeaderMap::new(), "s3:HeadBucket"),
    ] {
        let method = method.parse().expect("a method");
        let uri = uri.parse().expect("a path");
        assert_eq!(operation(&method, &uri, &headers), expected);
    }
}
