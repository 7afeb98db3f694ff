//! Settings as a user meets them: whole files in, all issues or a plain value
//! out.

use proptest::prelude::*;

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn check(text: &str, environment: &[(&str, &str)], expected: &[&str]) {
    let issues = match Settings::parse("f.yaml", text, &variables(environment)) {
        Ok(_) => Vec::new(),
        Err(issues) => issues.iter().map(Issue::to_string).collect(),
    };
    assert_eq!(issues, expected, "{text}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_place() {
    check(
        "http:\n  listen: here\n  listne: x\nlog: {level: loud}\ntenants:\n  aws:\n    \"1\": ../x\nkafka: 1\n",
        &[("IDTRAIL_VISIBILITY_TIMEOUT_SECS", "0")],
        &[
            "f.yaml:2: http.listen: expects address:port, such as 127.0.0.1:8080 or [::1]:8080, not \"here\"",
            "f.yaml:3: http.listne: unknown key, did you mean `http.listen`?",
            "f.yaml:4: log.level: expects one of error, warn, info, debug, trace, not \"loud\"",
            "f.yaml:6: tenants.aws: \"1\": invalid tenant id \"../x\": 1 to 63 of A-Z a-z 0-9 . _ - are allowed, the first a letter or digit",
            "f.yaml:8: kafka: unknown key, remove it",
            "IDTRAIL_VISIBILITY_TIMEOUT_SECS: visibility_timeout_secs: expects a whole number from 1 to 43200, not \"0\"",
        ],
    );
}

#[test]
fn a_file_that_is_no_settings_file_says_what_is_expected() {
    for (text, expected) in [
        ("- a", "f.yaml:1: expects keys, such as `http:`, at the top"),
        (
            "http: 5",
            "f.yaml:1: http: is a section, expects keys in it: listen, ingest_tokens, ingest_body_bytes, ingest_concurrency",
        ),
        (
            "log:\n  level:\n    a: b",
            "f.yaml:2: log.level: expects one value, not a list or a section",
        ),
        (
            "data: a\ndata: b",
            "f.yaml:2: data: is given twice, keep one",
        ),
        (
            "source_buckets: a",
            "f.yaml:1: source_buckets: expects a list, such as [one, two]",
        ),
    ] {
        check(text, &[], &[expected]);
    }
}

const AWS: &str = "identity_activity_center:\n  enabled: true\n  region: eu-central-1\n  s3: s3://lake-bucket/data/\n  \
     s3_large_files: s3://t-bucket/large_files\n  sqs_queue_url: https://sqs.example.com/1/q\n";

#[test]
fn the_aws_mode_tells_all_that_it_misses_at_once() {
    check(AWS, &[], &[]);
    check(
        "identity_activity_center:\n  enabled: true\n  s3: lake-bucket/data/\n  table: events\n",
        &[("IDTRAIL_BUCKET_OWNER", "1")],
        &[
            "f.yaml:3: identity_activity_center.s3: expects s3://bucket or s3://bucket/prefix, the bucket of 3 to 63 characters of a-z, 0-9, - and ., not \"lake-bucket/data/\"",
            "IDTRAIL_BUCKET_OWNER: bucket_owner: expects an AWS account of twelve digits, in quotes, not \"1\"",
            "f.yaml:2: identity_activity_center.region: is needed where identity_activity_center.enabled is true, such as eu-central-1",
            "f.yaml:2: identity_activity_center.s3_large_files: is needed where identity_activity_center.enabled is true, such as s3://BUCKET/large_files/",
            "f.yaml:2: identity_activity_center.sqs_queue_url: is needed where identity_activity_center.enabled is true, such as https://sqs.eu-central-1.amazonaws.com/111122223333/QUEUE",
        ],
    );
}

#[test]
fn the_aws_mode_is_on_only_where_it_is_enabled() {
    let text = format!("{AWS}source_buckets: [my-logs, \"theirs=111122223333\"]\n");
    let settings = Settings::parse("f.yaml", &text, &Environment::new()).expect("valid");
    let aws = settings.aws.expect("enabled");
    assert_eq!(aws.lake.folder(), "data/");
    assert_eq!(aws.large_files.bucket, "t-bucket");
    assert_eq!(
        aws.source_buckets["theirs"].as_deref(),
        Some("111122223333")
    );
    assert_eq!(settings.warnings, []);

    let off = text.replace("enabled: true", "enabled: false");
    let settings = Settings::parse("f.yaml", &off, &Environment::new()).expect("valid");
    assert_eq!(settings.aws, None);
}

#[test]
fn nothing_at_all_is_the_embedded_mode() {
    let settings = Settings::parse("f.yaml", "", &Environment::new()).expect("defaults are valid");
    assert_eq!(settings.data, PathBuf::from("idtrail-data"));
    assert_eq!(settings.http_listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.default_tenant.as_str(), "default");
    assert!(settings.trust_attributes);
    assert_eq!(settings.lake_compression, Compression::Mixed);
    assert_eq!(settings.warnings, []);
}

#[test]
fn the_environment_wins_over_the_file() {
    let text =
        "data: from-file\nlog: {format: text}\nlake: {compression: snappy}\ndefault_tenant: acme";
    let environment = variables(&[
        ("IDTRAIL_DATA", "from-env"),
        ("IDTRAIL_TRUST_ATTRIBUTES", "false"),
        ("IDTRAIL_SERVICE_HOST", "10.0.0.1"),
    ]);
    let settings = Settings::parse("f.yaml", text, &environment).expect("all of it is valid");
    assert_eq!(settings.data, PathBuf::from("from-env"));
    assert_eq!(settings.default_tenant.as_str(), "acme");
    assert!(!settings.trust_attributes);
    assert_eq!(settings.lake_compression, Compression::Snappy);
    assert_eq!(settings.warnings, []);
}

#[test]
fn what_has_no_effect_and_what_looks_misspelt_is_a_warning() {
    let environment = variables(&[
        ("IDTRAIL_HTTP_LISTNE", "[::1]:1"),
        (
            "IDTRAIL_TENANTS_AWS",
            "111122223333=acme, 444455556666=beta",
        ),
    ]);
    let settings = Settings::parse(
        "f.yaml",
        "backend:\n  postgres: {connection: c}",
        &environment,
    )
    .expect("only warnings");
    let warnings: Vec<_> = settings.warnings.iter().map(Issue::to_string).collect();
    assert_eq!(
        warnings,
        [
            "IDTRAIL_HTTP_LISTNE: is no setting and is ignored, did you mean IDTRAIL_HTTP_LISTEN?",
            "f.yaml:2: backend.postgres.connection: has no effect in this build yet",
        ]
    );
    let tenants = settings.tenants_by_owner[0].iter();
    let tenants: Vec<_> = tenants.map(|(owner, id)| format!("{owner}={id}")).collect();
    assert_eq!(tenants, ["111122223333=acme", "444455556666=beta"]);
}

#[test]
fn tokens_and_certificates_come_from_file_and_environment_alike() {
    let hash = "ab".repeat(32);
    let file = format!(
        "http:\n  ingest_tokens: [\"laptop:acme:{hash}\"]\ntls:\n  cert: c.pem\n  key: k.pem\n  client_ca: ca.pem\n  clients: {{handler.example.com: laptop}}\n"
    );
    let from_file = Settings::parse("f.yaml", &file, &Environment::new()).expect("valid");
    let environment = variables(&[
        ("IDTRAIL_HTTP_INGEST_TOKENS", &format!("laptop:acme:{hash}")),
        ("IDTRAIL_TLS_CERT", "c.pem"),
        ("IDTRAIL_TLS_KEY", "k.pem"),
        ("IDTRAIL_TLS_CLIENT_CA", "ca.pem"),
        ("IDTRAIL_TLS_CLIENTS", "handler.example.com=laptop"),
    ]);
    let from_environment = Settings::parse("f.yaml", "", &environment).expect("valid");
    assert_eq!(from_file, from_environment);
    assert_eq!(from_file.warnings, []);
    let tenant = from_file
        .push
        .tokens
        .named("laptop")
        .map(|grant| grant.tenant().as_str());
    assert_eq!(tenant, Some("acme"));
    assert_eq!(
        from_file.tls.expect("set").clients["handler.example.com"],
        "laptop"
    );
}

#[test]
fn keys_that_need_each_other_are_told() {
    check(
        "http:\n  ingest_tokens: [laptop]\ntls:\n  cert: c.pem\n  clients: {a.example.com: nobody}\n",
        &[],
        &[
            "f.yaml:2: http.ingest_tokens: expects name:tenant:sha256, as `idtrail token new` prints it",
            "f.yaml:4: tls.cert: has no meaning without tls.key, set both or neither",
            "f.yaml:5: tls.clients: has no meaning without tls.client_ca, set both or neither",
            "f.yaml:5: tls.clients: \"nobody\" is no name in http.ingest_tokens: make a token of that name with `idtrail token new`, it gives the certificate its tenant",
        ],
    );
}

#[test]
fn a_missing_geoip_file_is_a_warning_and_a_missing_named_file_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("idtrail.yaml");
    let missing = Settings::load(Some(&file), &Environment::new()).expect_err("no such file");
    assert!(missing[0].what.contains("--config"), "{missing:?}");

    fs::write(
        &file,
        "identity_activity_center:\n  maxmind_geoip_city_db_path: /no/such.mmdb\n",
    )
    .expect("the directory is writable");
    let settings = Settings::load(Some(&file), &Environment::new()).expect("only a warning");
    let warning = &settings.warnings[0];
    assert!(
        warning.what.contains("place columns stay NULL"),
        "{warning}"
    );
    assert!(
        warning.to_string().contains("idtrail.yaml:2: "),
        "{warning}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in r"([a-z_.]{0,12}|[:\-\[\]{}#&*!|>'%@`?, \n\t]|[0-9]|\PC){0,60}") {
        Settings::parse("f.yaml", &text, &Environment::new()).ok();
    }

    #[test]
    fn no_value_of_a_known_key_panics(key in 0..keys::all().count(), text in r"\PC{0,40}") {
        let key = keys::all().nth(key).expect("within the table");
        let environment = Environment::from([(key.variable(), text.clone())]);
        Settings::parse("f.yaml", &format!("{}: {text}", key.path), &environment).ok();
    }
}
