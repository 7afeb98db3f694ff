//! Places, and servers that do not answer as they should.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::settings::Environment;

#[test]
fn a_place_is_a_scheme_a_host_and_a_port() {
    for text in [
        "http://127.0.0.1:8080",
        "https://[2001:db8::1]:8443",
        "https://idtrail.example.com",
        "http://localhost:80/",
    ] {
        let place: Place = text.parse().expect(text);
        assert_eq!(place.to_string(), text.trim_end_matches('/'));
    }
    for text in [
        "",
        "127.0.0.1:8080",
        "/metrics",
        "ftp://127.0.0.1",
        "http://127.0.0.1/metrics",
        "http://127.0.0.1/?x",
        "http://ada@127.0.0.1",
        "http://",
    ] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}

#[test]
fn the_settings_say_where_the_service_is_reached() {
    for (settings, base) in [
        ("", "http://127.0.0.1:8080"),
        ("http: {listen: '0.0.0.0:80'}", "http://127.0.0.1:80"),
        ("http: {listen: '[::]:80'}", "http://[::1]:80"),
        (
            "http: {listen: '192.0.2.7:80'}\ntls: {cert: c, key: k}",
            "https://192.0.2.7:80",
        ),
    ] {
        let settings = Settings::parse("f.yaml", settings, &Environment::new()).expect("valid");
        assert_eq!(Place::of(&settings).to_string(), base);
    }
}

/// What comes of a server that answers with these bytes, whatever it is asked.
async fn answered(scheme: &str, answer: Vec<u8>) -> Result<(StatusCode, String), ClientError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody asks");
        let mut asked = [0; 1_024];
        let asked = stream.read(&mut asked).await.expect("it is open");
        assert!(asked > 0, "a request, or the begin of TLS");
        stream.write_all(&answer).await.ok();
        stream.shutdown().await.ok();
    });
    let place: Place = format!("{scheme}://{address}").parse().expect("valid");
    let certificate = (scheme == "https").then(|| {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.keep().join("tls.crt");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        std::fs::write(&path, made.expect("valid").cert.pem()).expect("writable");
        path
    });
    let place = Place {
        certificate,
        ..place
    };
    let client = Client::new(place).expect("certificates can be read");
    let answer = client.get("/metrics").await;
    server.await.expect("no panic");
    answer
}

#[tokio::test]
async fn an_answer_has_a_status_and_a_body_of_bounded_size() {
    let answer = |length: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length]].concat()
    };
    let (status, body) = answered("http", answer(3)).await.expect("small");
    assert_eq!((status, body.as_str()), (StatusCode::OK, "xxx"));
    let error = answered("http", answer(BODY_BYTES_MAX + 1)).await;
    assert!(matches!(error, Err(ClientError::Foreign(_))), "{error:?}");
}

#[tokio::test]
async fn every_error_says_what_to_do() {
    for (scheme, answer, says) in [
        ("http", &b"SSH-2.0-OpenSSH_9.9\r\n"[..], "--url https://"),
        (
            "https",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "--url http://",
        ),
        ("http", b"", "use --url"),
    ] {
        let error = answered(scheme, answer.to_vec()).await;
        let told = error.expect_err("no answer").to_string();
        assert!(told.contains(says), "{told}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let place = format!("http://{address}").parse().expect("valid");
    let error = Client::new(place).expect("no certificate").get("/").await;
    assert!(matches!(error, Err(ClientError::Refused(_))), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let place = format!("http://{address}").parse().expect("valid");
    let error = Client::new(place).expect("no certificate").get("/").await;
    assert!(matches!(error, Err(ClientError::Silent(_))), "{error:?}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let place = Place {
        base: "https://127.0.0.1:1".to_owned(),
        certificate: Some("/nowhere/tls.crt".into()),
    };
    let told = Client::new(place).expect_err("no file").to_string();
    assert!(told.contains("/nowhere/tls.crt"), "{told}");
}
