//! Every way in for bytes that somebody else made, as a function of bytes.
//!
//! A [`Target`] must return on any input: no panic, no overflow, no endless
//! work. Where a decoder has an encoder, it also asserts that what was read is
//! written as it was. The ordinary tests replay `fuzz/corpus/<target>/`;
//! `make fuzz` looks for new inputs, guided by coverage, and leaves what broke
//! something in the corpus.

mod targets;

pub use targets::{TARGETS, Target};

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, panic::catch_unwind, path::Path};

    use super::*;

    /// Names of the files in a folder; none where there is no folder.
    fn files(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Seeds, and whatever broke something once.
    #[test]
    fn every_target_survives_its_corpus() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for target in TARGETS {
            let corpus = repository.join("fuzz/corpus").join(target.name);
            assert!(
                !files(&corpus).is_empty(),
                "{}: seed it in fuzz/corpus",
                target.name
            );
            // A normalizer's fixtures are seeds as well.
            let fixtures = repository.join(target.name.replace("normalize_", "audit/fixtures/"));
            for folder in [corpus, fixtures] {
                for input in files(&folder) {
                    let path = folder.join(input);
                    let input = fs::read(&path).unwrap();
                    let survived = catch_unwind(|| (target.run)(&input));
                    assert!(survived.is_ok(), "{}: {}", target.name, path.display());
                }
            }
        }
    }

    #[test]
    fn every_folder_of_the_corpus_has_its_target() {
        for folder in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")) {
            assert!(
                find(&folder).is_some(),
                "fuzz/corpus/{folder} belongs to no target"
            );
        }
    }

    #[test]
    fn every_target_survives_nothing_and_noise() {
        let deep = "[".repeat(100_000);
        let noise: Vec<u8> = (0..=u8::MAX).cycle().take(4_096).collect();
        for target in TARGETS {
            for input in [&b""[..], b"\0", b"{}", b"null", deep.as_bytes(), &noise] {
                (target.run)(input);
            }
        }
    }
}
