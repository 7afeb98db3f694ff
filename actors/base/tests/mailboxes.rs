//! Bounds, waiting, workers, timers.

use super::*;

#[tokio::test(start_paused = true)]
async fn no_more_messages_wait_than_there_are_slots() {
    let scene = Scene::start(&single(1, 3)).await;
    scene.send("a", Order::Sleep(500)).await;
    scene.until(1).await;
    let address = scene.address("a");
    assert_eq!(address.slots_free(), 3, "the message in hand holds no slot");
    for number in 1..=3 {
        scene.send("a", Order::Note(number)).await;
        assert_eq!(address.slots_free(), 3 - number as usize);
    }
    let refused = address
        .try_send(scene.message(Order::Note(9)))
        .expect_err("no slot is free");
    assert!(matches!(refused.0, Order::Note(9)), "it comes back whole");
    drop(refused);
    // Two senders wait, and are served in order.
    let late = [4, 5].map(|number| {
        let (address, start) = (address.clone(), scene.log.start);
        let message = scene.message(Order::Note(number));
        tokio::spawn(async move { (address.send(message).await, start.elapsed()) })
    });
    for sent in late {
        assert_eq!(
            sent.await.expect("joined"),
            (Ok(()), Duration::from_millis(500))
        );
    }
    scene.until(501).await;
    scene.assert_log(&[
        "0 a.0 starts",
        "500 a.0 1",
        "500 a.0 2",
        "500 a.0 3",
        "500 a.0 4",
        "500 a.0 5",
    ]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_through_a_restart_and_its_message_arrives() {
    let scene = Scene::start(&single(3, 1)).await;
    scene.send("a", Order::Panic).await;
    scene.until(1).await;
    assert_eq!(scene.address("a").workers_alive(), 0);
    let hint = scene.address("a").try_send(scene.message(Order::Note(8)));
    assert!(hint.is_err(), "a hint does not wait");
    drop(hint);
    // The second waits for the slot that the first holds while it waits for the restart.
    tokio::join!(
        scene.send("a", Order::Note(1)),
        scene.send("a", Order::Note(2))
    );
    scene.until(101).await;
    scene.assert_log(&["0 a.0 starts", "100 a.0 starts", "100 a.0 1", "100 a.0 2"]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_dying_incarnation_is_dropped_and_its_slots_are_free() {
    let scene = Scene::start(&single(3, 4)).await;
    for order in [
        Order::Sleep(50),
        Order::Panic,
        Order::Note(1),
        Order::Note(2),
    ] {
        scene.send("a", order).await;
    }
    assert_eq!(scene.address("a").slots_free(), 0);
    scene.until(60).await;
    assert_eq!(scene.address("a").slots_free(), 4);
    assert_eq!(
        Arc::strong_count(&scene.token),
        2,
        "the closure and this test"
    );
    scene.send("a", Order::Note(3)).await;
    scene.until(200).await;
    scene.assert_log(&["0 a.0 starts", "150 a.0 starts", "150 a.0 3"]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_to_the_least_busy_worker_that_lives() {
    let shape = supervisor("root", None, "one_for_one", 3) + &actor("a", "root", 2, 8);
    let scene = Scene::start(&shape).await;
    scene.send("a", Order::Sleep(1_000)).await;
    for number in 1..=2 {
        scene.send("a", Order::Note(number)).await;
        scene.until(u64::from(number)).await;
    }
    // The idle one dies; until it is back, all goes to the sleeper.
    scene.send("a", Order::Panic).await;
    scene.until(10).await;
    assert_eq!(scene.address("a").workers_alive(), 1);
    scene.send("a", Order::Note(3)).await;
    scene.until(200).await;
    scene.send("a", Order::Note(4)).await;
    scene.until(1_001).await;
    scene.assert_log(&[
        "0 a.0 starts",
        "0 a.1 starts",
        "0 a.1 1",
        "1 a.1 2",
        "102 a.1 starts",
        "200 a.1 4",
        "1000 a.0 3",
    ]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn messages_to_oneself_take_no_slot() {
    let scene = Scene::start(&single(1, 1)).await;
    for order in [
        Order::TellSelf(1),
        Order::WakeAfter(100, 2),
        Order::Sleep(200),
    ] {
        scene.send("a", order).await;
    }
    scene.until(150).await;
    assert_eq!(
        scene.address("a").slots_free(),
        1,
        "two messages to itself wait, without slots"
    );
    scene.until(1_000).await;
    scene.assert_log(&["0 a.0 starts", "0 a.0 1", "200 a.0 2"]);
    scene.end(Outcome::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_ends_with_its_incarnation() {
    let scene = Scene::start(&single(1, 4)).await;
    for order in [
        Order::WakeAfter(500, 1),
        Order::Fail,
        Order::WakeAfter(600, 2),
    ] {
        scene.send("a", order).await;
    }
    scene.until(200).await;
    scene.send("a", Order::WakeAfter(600, 3)).await;
    scene.until(2_000).await;
    scene.assert_log(&["0 a.0 starts", "100 a.0 starts", "800 a.0 3"]);
    scene.end(Outcome::Stopped).await;
}
