//! What follows a failure, up to the root giving up.

use super::*;

fn gave_up(supervisor: &str, reason: &str) -> Outcome {
    Outcome::GaveUp {
        supervisor: supervisor.to_owned(),
        reason: reason.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_actor_restarts_with_backoff_until_its_supervisor_gives_up() {
    for (order, words) in [
        (|| Order::Panic, "as ordered"),
        (|| Order::Fail, "as ordered"),
    ] as [(fn() -> Order, &str); 2]
    {
        let scene = Scene::start(&single(3, 1)).await;
        for _ in 0..4 {
            scene.send("a", order()).await;
        }
        scene.until(5_000).await;
        scene.assert_log(&[
            "0 a.0 starts",
            "100 a.0 starts",
            "300 a.0 starts",
            "700 a.0 starts",
        ]);
        scene
            .end(gave_up(
                "root",
                &format!("a failed too often, last: {words}"),
            ))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_have_left_the_window_do_not_count() {
    let scene = Scene::start(&single(1, 1)).await;
    for at in [0, 60_000, 120_000] {
        scene.until(at).await;
        scene.send("a", Order::Panic).await;
    }
    scene.until(130_000).await;
    scene.assert_log(&[
        "0 a.0 starts",
        "100 a.0 starts",
        "60100 a.0 starts",
        "120100 a.0 starts",
    ]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gives_up_is_restarted_whole_until_the_root_gives_up() {
    let shape = supervisor("root", None, "one_for_one", 1)
        + &supervisor("below", Some("root"), "one_for_one", 1)
        + &actor("a", "below", 1, 1)
        + &actor("b", "below", 1, 1)
        + &actor("c", "root", 1, 1);
    let scene = Scene::start(&shape).await;
    for _ in 0..4 {
        scene.send("a", Order::Panic).await;
    }
    scene.until(5_000).await;
    scene.assert_log(&[
        "0 a.0 starts",
        "0 b.0 starts",
        "0 c.0 starts",
        "100 a.0 starts",
        // Its supervisor gives up, and comes back with all its children, with a clean slate.
        "200 a.0 starts",
        "200 b.0 starts",
        "300 a.0 starts",
    ]);
    let reason = "below failed too often, last: supervisor below gave up: a failed too often, last: as ordered";
    scene.end(gave_up("root", reason)).await;
}

#[tokio::test(start_paused = true)]
async fn all_for_one_restarts_the_siblings_and_one_for_one_does_not() {
    let all = ["100 a.0 starts", "100 a.1 starts", "100 b.0 starts"];
    for (strategy, again) in [("one_for_one", &all[..1]), ("all_for_one", &all[..])] {
        let shape = supervisor("root", None, strategy, 3)
            + &actor("a", "root", 2, 4)
            + &actor("b", "root", 1, 4);
        let scene = Scene::start(&shape).await;
        // Siblings are ended in the midst of a message; what waits for them is dropped.
        scene.send("b", Order::Sleep(20)).await;
        scene.send("b", Order::Note(1)).await;
        scene.send("a", Order::Panic).await;
        scene.until(1_000).await;
        let mut expected = vec!["0 a.0 starts", "0 a.1 starts", "0 b.0 starts"];
        if strategy == "one_for_one" {
            expected.push("20 b.0 1");
        }
        expected.extend(again);
        scene.assert_log(&expected);
        scene.end(Outcome::Stopped).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fatal_failure_ends_everything_at_once() {
    let shape = supervisor("root", None, "one_for_one", 3)
        + &supervisor("below", Some("root"), "all_for_one", 3)
        + &actor("a", "below", 2, 4)
        + &actor("b", "root", 1, 4);
    let scene = Scene::start(&shape).await;
    scene.send("b", Order::Sleep(1_000_000)).await;
    scene.send("b", Order::Note(1)).await;
    scene.send("a", Order::Fatal).await;
    let log = scene.log.clone();
    scene
        .end(Outcome::Fatal {
            actor: "a".to_owned(),
            reason: "as ordered".to_owned(),
        })
        .await;
    assert_eq!(log.start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_probe_counts_over_incarnations_and_its_panic_is_the_actors() {
    let probe = Probe::new(|actor, nth| assert!(!(actor == "a" && nth == 2), "injected"));
    let scene = Scene::start_with(&single(3, 4), probe).await;
    for number in 1..=3 {
        scene.send("a", Order::Note(number)).await;
        scene.until(u64::from(number) * 200).await;
    }
    scene.assert_log(&["0 a.0 starts", "0 a.0 1", "300 a.0 starts", "400 a.0 3"]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_be_made_is_tried_again_by_policy() {
    let topology = topology(&single(3, 1));
    let (address, mailbox) = mailbox(&topology, "a");
    let mut tree = Tree::new(topology, Probe::none());
    let start = Instant::now();
    let mut tries = 0;
    tree.add(mailbox, move |_| {
        tries += 1;
        assert!(tries > 2, "not yet");
        Puppet {
            log: Log {
                start,
                lines: Arc::default(),
            },
            token: Arc::default(),
        }
    });
    let running = tree.start().await.expect("it is on its way");
    assert_eq!(
        address.send(Message(Order::Note(1), Arc::default())).await,
        Ok(())
    );
    assert_eq!(start.elapsed(), Duration::from_millis(300));
    assert_eq!(running.shutdown().await, Outcome::Stopped);
    assert_eq!((address.workers_alive(), address.slots_free()), (0, 1));
}

/// Not on a paused clock: the races between sending, dying and restarting need threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_nothing_hangs_and_nothing_is_left() {
    let probe = Probe::new(|_, nth| assert!(nth % 300 != 0, "injected"));
    let shape = supervisor("root", None, "one_for_one", 40) + &actor("a", "root", 4, 8);
    let scene = Scene::start_with(&shape, probe).await;
    let senders = [(); 8].map(|()| {
        let (address, token) = (scene.address("a").clone(), Arc::clone(&scene.token));
        tokio::spawn(async move {
            for number in 0..500 {
                let message = Message(Order::Note(number), Arc::clone(&token));
                assert_eq!(address.send(message).await, Ok(()));
            }
        })
    });
    for sender in senders {
        sender.await.expect("every message was taken");
    }
    while scene.address("a").slots_free() < 8 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    scene.end(Outcome::Stopped).await;
}
