//! What a hostile, broken or unlucky sender meets: an answer that says what is
//! wrong, in time, and nothing in the queue.

use tokio::task::JoinSet;

use super::*;

/// A body that must be refused, and how.
struct Refused<'r> {
    source: &'r str,
    headers: &'r str,
    body: &'r [u8],
    status: u16,
    code: &'r str,
    /// In the detail.
    says: &'r str,
}

const fn refused<'r>(
    headers: &'r str,
    body: &'r [u8],
    status: u16,
    code: &'r str,
    says: &'r str,
) -> Refused<'r> {
    Refused {
        source: "aws",
        headers,
        body,
        status,
        code,
        says,
    }
}

async fn check(settings: &str, cases: &[Refused<'_>]) {
    let world = world(settings).await;
    for case in cases {
        let answer = world.push(case.source, case.headers, case.body).await;
        answer.is_problem(case.status, case.code);
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(case.says), "{detail}, not {}", case.says);
        assert!(world.is_empty().await, "{answer:?}");
    }
    world.push("aws", "", b"{}").await.is_accepted(1, 1);
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_push_is_told_why() {
    let cut_off = &gzip(&b"{\"a\":1}".repeat(1_000))[..40];
    let escape = b"{\"a\":1}\n\n\x1b[2J<script>\"\\ no event";
    check(
        "",
        &[
            refused("", b"", 400, "unreadable", "empty"),
            refused("", b" \n ", 400, "unreadable", "empty"),
            refused(
                "",
                b"{\"a\":1}\n{\"b\":\n{\"c\":3}",
                400,
                "not_an_event",
                "line 2, byte 8",
            ),
            refused("", b"[{\"a\":1},5]", 400, "not_an_event", "byte 9"),
            refused("", b"\"text\"", 400, "not_an_event", "line 1"),
            refused("", escape, 400, "not_an_event", r"\\u{1b}[2J<script>"),
            refused(
                "",
                &gzip(b"{}\nno event"),
                400,
                "not_an_event",
                "byte 3 unpacked",
            ),
            refused("", cut_off, 400, "unreadable", "damaged"),
            refused(
                "Content-Encoding: gzip\r\n",
                b"{}",
                400,
                "content_encoding",
                "no gzip",
            ),
            refused(
                "Content-Encoding: br\r\n",
                b"{}",
                415,
                "content_encoding",
                "zstd",
            ),
            refused(
                "Content-Type: text/html\r\n",
                b"{}",
                415,
                "content_type",
                "ndjson",
            ),
            refused(
                "Origin: https://example.com\r\n",
                b"{}",
                403,
                "browser",
                "token",
            ),
            Refused {
                source: "azure",
                ..refused("", b"{}", 404, "source", "okta")
            },
            Refused {
                source: "..%2f..",
                ..refused("", b"{}", 404, "source", "okta")
            },
            Refused {
                source: "%ff",
                ..refused("", b"{}", 404, "source", "okta")
            },
        ],
    )
    .await;
}

#[tokio::test]
async fn t4_hostile_json_is_refused_whole() {
    let keys: String = (0..1_000_000).map(|n| format!("\"{n}\":1,")).collect();
    let keys = format!("{{{}\"z\":1}}", keys);
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    let bodies = [
        keys.as_bytes(),
        deep.as_bytes(),
        b"\0\0\0\0",
        b"NaN",
        b"\xef\xbb\xbf\xff",
    ];
    let cases = bodies.map(|body| refused("", body, 400, "not_an_event", "line 1, byte"));
    check("", &cases).await;
}

#[tokio::test]
async fn t5_a_bomb_is_refused_before_it_is_unpacked() {
    // 64 MiB of one event from 64 KiB, and 1 GiB of events from 1 MiB.
    let one = gzip(&[b"{\"a\":\"", &vec![b'a'; 64 << 20][..], b"\"}"].concat());
    let many = zstd::encode_all(std::io::Read::take(std::io::repeat(b'{'), 1 << 30), 1)
        .expect("in memory");
    assert!(one.len() < 1 << 20 && many.len() < 1 << 20);
    let cases = [&one, &many]
        .map(|body| refused("", body, 413, "unpacked_too_large", "nothing was accepted"));
    check("", &cases).await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_however_its_length_is_told() {
    let world = world("http: {ingest_body_bytes: 65536}").await;
    let at_limit = [&b"{}"[..], &b" ".repeat(65_534)].concat();
    world.push("aws", "", &at_limit).await.is_accepted(1, 1);
    let above = [&b"{}"[..], &b" ".repeat(65_535)].concat();
    world
        .push("aws", "", &above)
        .await
        .is_problem(413, "body_too_large");
    // Only announced: the answer comes before a byte of it.
    let announced =
        "POST /api/v1/ingest/aws HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n";
    world
        .send(announced)
        .await
        .is_problem(413, "body_too_large");
    let head = "POST /api/v1/ingest/aws HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let endless = [head, &chunk.repeat(50)].concat();
    world.send(endless).await.is_problem(413, "body_too_large");
    // Unpacked, a body may be four times as long.
    let mut state = 1_u64;
    let events: String = (0..20_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("{{\"a\":{}}}\n", state >> 40)
        })
        .collect();
    let packed = gzip(events.as_bytes());
    assert!(events.len() > 4 << 16 && packed.len() < 1 << 18);
    let answer = world.push("aws", "", &packed).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    world.stop().await;
}

#[tokio::test]
async fn t13_without_the_right_token_nothing_is_taken() {
    let (token, entry) = token(1, "acme");
    let settings = format!("http: {{ingest_tokens: [\"{entry}\"]}}");
    let world = world(&settings).await;
    let stored = entry.rsplit(':').next().expect("a hash");
    let other = super::token(2, "acme").0;
    for (authorization, code) in [
        (String::new(), "token_missing"),
        (format!("Authorization: Basic {token}\r\n"), "token_invalid"),
        (format!("Authorization: {token}\r\n"), "token_invalid"),
        ("Authorization: Bearer\r\n".to_owned(), "token_invalid"),
        (
            "Authorization: Bearer \u{e9}\r\n".to_owned(),
            "token_invalid",
        ),
        (
            format!("Authorization: Bearer {}\r\n", &token[..60]),
            "token_invalid",
        ),
        // What is stored is no token.
        (
            format!("Authorization: Bearer {stored}\r\n"),
            "token_invalid",
        ),
        (
            format!("Authorization: Bearer {other}\r\n"),
            "token_invalid",
        ),
    ] {
        let answer = world.push("aws", &authorization, b"{}").await;
        answer.is_problem(401, code);
        assert!(
            answer.head.contains("www-authenticate: bearer"),
            "{answer:?}"
        );
        assert!(!answer.body.contains("idt_0"), "{answer:?}");
    }
    // The rest of the twenty, and then no more answers of that kind.
    let mut last = 401;
    for _ in 0..20 {
        last = world.push("aws", "", b"{}").await.status;
    }
    assert_eq!(last, 429);
    let right = format!("Authorization: Bearer {token}\r\n");
    world.push("aws", &right, b"{}").await.is_accepted(1, 1);
    assert_eq!(world.messages().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn on_another_address_nothing_is_taken_until_there_are_tokens() {
    check_off("http: {listen: \"0.0.0.0:0\"}").await;
}

async fn check_off(settings: &str) {
    let world = world(settings).await;
    world
        .push("aws", "", b"{}")
        .await
        .is_problem(403, "ingest_off");
    assert!(world.is_empty().await);
    world.stop().await;
}

#[tokio::test]
async fn other_methods_and_paths_get_problems_too() {
    let world = world("").await;
    for (line, status, code) in [
        ("GET /api/v1/ingest/aws", 405, "method"),
        ("PUT /api/v1/ingest/aws", 405, "method"),
        ("POST /api/v1/ingest/", 404, "path"),
        ("POST /api/v1/ingest/aws/x", 404, "path"),
        ("POST /api/v1/", 404, "path"),
        ("GET /etc/passwd", 404, "path"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = world.send(request).await;
        answer.is_problem(status, code);
        assert_eq!(
            answer.head.contains("allow: post"),
            status == 405,
            "{answer:?}"
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn heads_have_a_size() {
    let world = world("").await;
    let long = format!(
        "GET /healthz HTTP/1.1\r\nX: {}\r\n\r\n",
        "a".repeat(64 << 10)
    );
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(200));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(64 << 10));
    for request in [
        long,
        many,
        path,
        "\0\0\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
    ] {
        let answer = world.send(&request).await;
        assert!(matches!(answer.status, 400 | 414 | 431), "{answer:?}");
    }
    let smuggled = "POST /api/v1/ingest/aws HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                    Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}";
    assert_eq!(world.send(smuggled).await.status, 400);
    assert!(world.is_empty().await);
    world.stop().await;
}

/// On a paused clock time passes as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn who_is_slow_is_cut_off() {
    let world = world_with("", Compute::inline()).await;
    let head = "POST /api/v1/ingest/aws HTTP/1.1\r\nHost: h\r\n";
    let stalls = format!("{head}Content-Length: 100\r\n\r\n{{\"a\":1");
    let endless = format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n");
    for request in [stalls, endless] {
        world.send(request).await.is_problem(408, "body_slow");
    }
    // A head that never ends, and a connection that says nothing.
    for request in [head, ""] {
        let answer = world.send(request).await;
        assert!(matches!(answer.status, 0 | 408), "{answer:?}");
    }
    // A byte now and then is no better than nothing.
    let mut drip = world.connect().await;
    drip.write_all(format!("{head}Content-Length: 1000\r\n\r\n").as_bytes())
        .await
        .expect("open");
    let mut sent = 0;
    while drip.write_all(b"{").await.is_ok() && sent < 1_000 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        sent += 1;
    }
    assert!((10..50).contains(&sent), "{sent}");
    assert!(world.is_empty().await);
    world.stop().await;
}

#[tokio::test]
async fn while_all_places_are_taken_more_are_sent_away_and_health_answers() {
    let world = world("http: {ingest_concurrency: 2}").await;
    world.weather(HANGING);
    let mut pushes = JoinSet::new();
    for _ in 0..3 {
        let (address, request) = (world.address, request("aws", "", b"{}"));
        pushes.spawn(async move {
            let stream = TcpStream::connect(address).await.expect("it listens");
            exchange(stream, &request).await
        });
    }
    // Two hang, whichever they are; the third is told.
    let third = pushes.join_next().await.expect("three").expect("no panic");
    third.is_problem(429, "busy");
    assert!(third.head.contains("retry-after: 1"), "{third:?}");
    let health = "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(world.send(health).await.status, 200);
    pushes.shutdown().await;
    world.weather(UP);
    // A sender that went away gives its place back.
    loop {
        let answer = world.push("aws", "", b"{}").await;
        if answer.status != 429 {
            break answer.is_accepted(1, 1);
        }
    }
    assert_eq!(world.messages().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn while_the_queue_is_down_nothing_is_promised() {
    let world = world("").await;
    world.weather(DOWN);
    for _ in 0..3 {
        let answer = world.push("aws", "", b"{\"a\":1}").await;
        answer.is_problem(503, "queue");
        assert!(answer.head.contains("retry-after: 5"), "{answer:?}");
        assert!(!answer.body.contains("secret-host"), "{answer:?}");
    }
    assert!(world.is_empty().await);
    world.weather(UP);
    world.push("aws", "", b"{\"a\":1}").await.is_accepted(1, 1);
    assert_eq!(world.events().await, ["{\"a\":1}"]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_is_given_up() {
    let world = world_with("", Compute::inline()).await;
    world.weather(HANGING);
    world.push("aws", "", b"{}").await.is_problem(503, "queue");
    world.stop().await;
}
