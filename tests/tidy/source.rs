//! The workspace's Rust files, parsed, with what the rules ask about them: how
//! long their functions are and which paths they name.

use std::{collections::BTreeSet, fs, path::Path};

use syn::{spanned::Spanned, visit::Visit};

/// Where Rust code lives.
const FOLDERS: [&str; 9] = [
    "audit", "actors", "company", "heap", "src", "tests", "benches", "fuzz", "examples",
];

/// What a file's path has in it if it is compiled for tests alone.
const TESTS: [&str; 4] = ["tests/", "/tests.rs", "actors/sim/", "/specimen.rs"];

pub(crate) struct SourceFile {
    /// Relative to the repository, with `/`.
    pub path: String,
    pub text: String,
    /// Compiled for tests alone.
    pub is_test: bool,
    /// In the order of the file.
    pub functions: Vec<Function>,
    /// Paths named outside of tests, use trees flattened: `std::fs::File`.
    pub paths: BTreeSet<String>,
}

pub(crate) struct Function {
    pub name: String,
    pub is_test: bool,
    /// From 1.
    pub line: usize,
    pub lines: usize,
}

/// The repository's top folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn all() -> Vec<SourceFile> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        collect(&repository().join(folder), &mut found);
    }
    assert!(
        !found.is_empty(),
        "no Rust file found under {:?}",
        repository()
    );
    found
}

fn collect(folder: &Path, found: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry
            .expect("a folder of the repository can be listed")
            .path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            let name = path.strip_prefix(repository()).expect("it was found there");
            found.push(parse(&name.to_string_lossy().replace('\\', "/"), text));
        }
    }
}

pub(crate) fn parse(path: &str, text: String) -> SourceFile {
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut reader = Reader::default();
    reader.visit_file(&syntax);
    SourceFile {
        path: path.to_owned(),
        text,
        is_test: TESTS.iter().any(|part| path.contains(part)),
        functions: reader.functions,
        paths: reader.paths,
    }
}

#[derive(Default)]
struct Reader {
    functions: Vec<Function>,
    paths: BTreeSet<String>,
    /// Inside of `#[cfg(test)]`, so many items deep.
    tests: usize,
}

impl Reader {
    fn function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        end: &syn::Block,
    ) {
        let line = signature.span().start().line;
        self.functions.push(Function {
            name: signature.ident.to_string(),
            is_test: attributes.iter().any(|attribute| {
                let path = attribute.path();
                path.segments
                    .last()
                    .is_some_and(|last| last.ident == "test")
            }),
            line,
            lines: end.span().end().line + 1 - line,
        });
    }

    fn name(&mut self, path: String) {
        if self.tests == 0 {
            self.paths.insert(path);
        }
    }

    fn flatten(&mut self, before: &str, tree: &syn::UseTree) {
        let join = |name: &syn::Ident| match before {
            "" => name.to_string(),
            _ => format!("{before}::{name}"),
        };
        match tree {
            syn::UseTree::Path(path) => self.flatten(&join(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.name(join(&name.ident)),
            syn::UseTree::Rename(rename) => self.name(join(&rename.ident)),
            syn::UseTree::Glob(_) => self.name(before.to_owned()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.flatten(before, tree);
                }
            }
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let only_tests = item.attrs.iter().any(is_cfg_test);
        self.tests += usize::from(only_tests);
        syn::visit::visit_item_mod(self, item);
        self.tests -= usize::from(only_tests);
    }

    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.attrs, &item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.flatten("", &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.name(segments.join("::"));
        syn::visit::visit_path(self, path);
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|argument| argument == "test")
}
