//! Shutting down, and trees that cannot start.

use super::*;

fn pair() -> String {
    supervisor("root", None, "one_for_one", 3)
        + &actor("a", "root", 1, 4)
        + &actor("b", "root", 1, 4)
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_an_actor_is_dropped_when_it_ends() {
    let scene = Scene::start(&pair()).await;
    for order in [Order::Sleep(50), Order::Note(1), Order::Note(2)] {
        scene.send("a", order).await;
    }
    scene.until(1).await;
    let log = scene.log.clone();
    scene.end(Outcome::Stopped).await;
    assert_eq!(log.start.elapsed(), Duration::from_millis(50));
    let lines = log.lines.lock().expect("no panic holds it");
    assert_eq!(*lines, ["0 a.0 starts", "0 b.0 starts"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_ended_while_it_waits_for_its_restart_stays_ended() {
    let scene = Scene::start(&pair()).await;
    scene.send("a", Order::Panic).await;
    scene.until(50).await;
    let address = scene.address("a").clone();
    let late = tokio::spawn({
        let message = scene.message(Order::Note(1));
        async move { address.send(message).await }
    });
    scene.until(60).await;
    let log = scene.log.clone();
    scene.end(Outcome::Stopped).await;
    let late = late.await.expect("joined");
    assert_eq!(late, Err(Closed), "the sender that waited learns it");
    let lines = log.lines.lock().expect("no panic holds it");
    assert_eq!(*lines, ["0 a.0 starts", "0 b.0 starts"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_killed() {
    let scene = Scene::start(&pair()).await;
    scene.send("a", Order::Sleep(1_000_000)).await;
    scene.send("b", Order::Sleep(1_000_000)).await;
    scene.until(1).await;
    let log = scene.log.clone();
    let stop = scene.topology.limits().shutdown.stop;
    // One deadline for all.
    scene.end(Outcome::Stopped).await;
    assert_eq!(log.start.elapsed(), stop + Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn an_orderly_shutdown_takes_no_longer_than_the_messages_in_hand() {
    let scene = Scene::start(&pair()).await;
    scene.send("a", Order::Sleep(30)).await;
    scene.send("b", Order::Sleep(40)).await;
    scene.until(1).await;
    let log = scene.log.clone();
    scene.end(Outcome::Stopped).await;
    assert_eq!(log.start.elapsed(), Duration::from_millis(40));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_kills_the_tree() {
    let scene = Scene::start(&pair()).await;
    scene.send("a", Order::Sleep(1_000_000)).await;
    scene.send("b", Order::Note(1)).await;
    scene.until(1).await;
    let Scene {
        running,
        addresses,
        token,
        ..
    } = scene;
    drop(running);
    tokio::time::sleep(Duration::from_millis(1)).await;
    for address in addresses.values() {
        assert_eq!((address.workers_alive(), address.slots_free()), (0, 4));
    }
    assert_eq!(Arc::strong_count(&token), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tree_starts_only_if_names_and_topology_agree() {
    let check = async |names: &[&str], expected: StartError| {
        let topology = topology(&pair());
        let mut tree = Tree::new(Arc::clone(&topology), Probe::none());
        for name in names {
            let (_, mailbox) = mailbox(&topology, name);
            let log = Log {
                start: Instant::now(),
                lines: Arc::default(),
            };
            tree.add(mailbox, move |_| Puppet {
                log: log.clone(),
                token: Arc::default(),
            });
        }
        assert_eq!(tree.start().await.expect_err("names differ"), expected);
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    check(&["a"], StartError::Missing(names(&["b"]))).await;
    check(
        &["a", "b", "c", "d"],
        StartError::Unknown(names(&["c", "d"])),
    )
    .await;
    check(&["a", "b", "a"], StartError::Twice(names(&["a"]))).await;
}
