//! One target under LLVM's fuzzing engine, which brings `main` and reads the
//! command line. The environment variable `FUZZ_TARGET` names the target.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&fuzz::Target> = OnceLock::new();

fn target() -> &'static fuzz::Target {
    TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        fuzz::find(&name).unwrap_or_else(|| {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            panic!(
                "FUZZ_TARGET={name:?} is no target, expected one of {}",
                names.join(", ")
            )
        })
    })
}

fuzz_target!(
    init: {
        // The engine's own hook ends the process at any panic, also at those
        // that a decoder expects of a library and turns into an error. There are
        // thousands of these; what a real one says, the corpus's test shows.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |input: &[u8]| (target().run)(input)
);
