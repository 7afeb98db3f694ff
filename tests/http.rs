//! What a running service tells machines: alive, ready, and its numbers.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use audit::source::Source;

use super::{
    events,
    program::{Deployment, Running},
};

/// The address that the service says it listens on.
pub(crate) fn address(service: &mut Running) -> String {
    let mut address = None;
    assert!(
        service.until(|said| {
            let after = said.split_once(" http=").map(|(_, after)| after);
            address = after.and_then(|after| Some(after.split_once('\n')?.0.to_owned()));
            address.is_some()
        }),
        "it never said where it listens: {:?}",
        service.try_wait()
    );
    address.expect("seen just now")
}

/// Status and body of a GET.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the service listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("a request can be sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("answers are UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("an HTTP status"), body.to_owned())
}

/// The sum of a metric over its labels.
fn sum(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
    });
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum()
}

#[test]
fn the_service_tells_that_it_lives_works_and_what_it_did() {
    let deployment = Deployment::new();
    let mut lines: Vec<String> = (0..100).map(|n| events::event(Source::Okta, n)).collect();
    lines.push(lines[0].clone());
    lines.push("no event".to_owned());
    let file = deployment.write("okta.ndjson", lines.join("\n"));
    deployment.publish(Source::Okta, &file);

    let mut service = deployment.start(&["run"]);
    let address = address(&mut service);
    assert_eq!(get(&address, "/healthz").0, 200);
    assert!(service.until(|_| get(&address, "/readyz").0 == 200));
    assert!(service.until(|_| deployment.messages() == 0));
    let (status, metrics) = get(&address, "/metrics");
    assert_eq!(status, 200);
    for (name, value) in [
        ("idtrail_events_received_total", 102.0),
        ("idtrail_events_stored_total", 100.0),
        ("idtrail_events_duplicate_total", 1.0),
        ("idtrail_events_quarantined_total", 1.0),
        ("idtrail_journal_leading", 1.0),
    ] {
        let found = sum(&metrics, name);
        assert!(
            (found - value).abs() < 0.5,
            "{name} is {found}, not {value}:\n{metrics}"
        );
    }
    assert_eq!(get(&address, "/nowhere").0, 404);
    assert_eq!(service.terminate().code, Some(0));
}
