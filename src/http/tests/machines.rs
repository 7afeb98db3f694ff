//! Health and metrics.

use std::sync::atomic::AtomicBool;

use super::*;

#[tokio::test]
async fn liveness_is_constant_and_readiness_follows_the_probe() {
    let settings = Settings::parse("f", "http: {listen: \"127.0.0.1:0\"}", &Environment::new());
    let settings = settings.expect("valid");
    let ready = Arc::new(AtomicBool::new(false));
    let readiness: Probe = {
        let ready = Arc::clone(&ready);
        Arc::new(move || Readiness {
            ready: ready.load(Ordering::Relaxed),
            parts: BTreeMap::from([("journal", "replaying".into())]),
        })
    };
    let recorder = PrometheusBuilder::new().build_recorder();
    ::metrics::with_local_recorder(&recorder, || {
        ::metrics::counter!("events_total").increment(3);
    });
    let World {
        queue, payloads, ..
    } = &world("").await;
    let outlet = Outlet {
        queue: Arc::clone(queue) as Arc<dyn Queue>,
        payloads: Arc::clone(payloads),
    };
    let answers = Answers {
        readiness,
        metrics: recorder.handle(),
        outlet,
        compute: Compute::inline(),
    };
    let listener = Listener::open(&settings).await.expect("a free port");
    let address = listener.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(listener.serve(settings, answers, async {
        stopped.await.ok();
    }));
    for (path, ready_now, status, part) in [
        ("/healthz", false, 200, "ok"),
        (
            "/readyz",
            false,
            503,
            "{\"ready\":false,\"journal\":\"replaying\"}",
        ),
        (
            "/readyz",
            true,
            200,
            "{\"ready\":true,\"journal\":\"replaying\"}",
        ),
        ("/healthz", true, 200, "ok"),
        ("/metrics", true, 200, "events_total 3"),
        ("/etc", true, 404, "problem"),
    ] {
        ready.store(ready_now, Ordering::Relaxed);
        let stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = exchange(stream, request.as_bytes()).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(
            answer.body.contains(part) || answer.head.contains(part),
            "{path}: {answer:?}"
        );
    }
    stop.send(()).expect("still serving");
    server.await.expect("an orderly end");
}

#[tokio::test]
async fn a_taken_port_says_what_to_do() {
    let world = world("").await;
    let taken = format!("http: {{listen: \"{}\"}}", world.address);
    let settings = Settings::parse("f", &taken, &Environment::new()).expect("valid");
    let error = Listener::open(&settings)
        .await
        .expect_err("taken")
        .to_string();
    assert!(error.contains(&world.address.to_string()) && error.contains("http.listen"));
}

#[tokio::test]
async fn when_it_stops_what_is_being_answered_is_answered_first() {
    let world = world("").await;
    let mut idle = world.connect().await;
    let mut busy = world.connect().await;
    let whole = request("aws", "", b"{\"a\":1}");
    let (most, rest) = whole.split_at(whole.len() - 3);
    busy.write_all(most).await.expect("open");
    // The idle connection is known to be served, and the busy one before it.
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .expect("open");
    let mut head = [0; 12];
    idle.read_exact(&mut head).await.expect("answered");
    let (address, queue) = (world.address, Arc::clone(&world.queue));
    let stopped = tokio::spawn(world.stop());
    let mut rest_of_idle = Vec::new();
    idle.read_to_end(&mut rest_of_idle)
        .await
        .expect("closed in order");
    assert!(
        TcpStream::connect(address).await.is_err(),
        "no more connections"
    );
    exchange(busy, rest).await.is_accepted(1, 1);
    stopped.await.expect("stopped");
    drop(queue);
}
