//! `kill -9` at any moment, on AWS: every distinct event is in the lake exactly once.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

use super::{cloud::cloud, site::Site};
use crate::{
    crash::{Traffic, dice},
    events,
    program::pause,
};

const KILLS: usize = 20;
/// Of each source and in each round: 4 × 20 × 1,250 = 100,000 in all.
const TRAFFIC: Traffic = Traffic {
    events_a_round: 1_250,
    files_a_round: 2,
};

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let Some(cloud) = cloud() else {
        return;
    };
    let mut dice = dice();
    let site = Site::new(cloud, "visibility_timeout_secs: 3\n");
    // Who kills the program so often would make dead letters of healthy messages.
    site.receive_without_end();
    site.take_over_after(1_500);
    site.collect_soon();
    let (mut next, mut all) = (0, Vec::new());
    for round in 0..KILLS {
        TRAFFIC.publish(&site.deployment, &mut dice, round, &mut next, &mut all);
        kill_on_the_way(&site, &mut dice);
    }
    let mut service = site.serve();
    site.settle(&mut service);
    assert_eq!(service.terminate().code, Some(0));
    assert_eq!(site.dead_letters(), 0);
    site.check_collected();
    println!("{KILLS} kills, {} events of {next} numbers", all.len() * 4);
    let folder = site.deployment.path("all");
    events::write(&folder, &(0..next).collect::<Vec<_>>());
    site.check_rows(&folder);
}

/// Runs the service and kills it after a random number of requests.
fn kill_on_the_way(site: &Site, dice: &mut StdRng) {
    let before = site.proxy.seen("").len();
    let moment = dice.random_range(0..80);
    let later = Duration::from_micros(dice.random_range(0..20_000));
    let mut service = site.deployment.start(&["run"]);
    service.await_that("requests", |_| site.proxy.seen("").len() >= before + moment);
    pause(later);
    service.kill();
    let writes = site.proxy.seen("s3:PutObject").len();
    let messages = site.cloud.messages(&site.queue_url);
    println!("killed after {moment} requests: {messages} messages left, {writes} writes in all");
}
