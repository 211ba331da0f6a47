//! Reads which file of a crate imports which, from the code itself.
//!
//! A path is followed the way the compiler follows it, through modules, renamed imports and glob
//! imports, to the file that it leads to. An item that a folder's `mod.rs` defines or re-exports
//! leads to that `mod.rs`. Test code is left out. Code under a feature or for another platform counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, Token, UseTree};

/// A crate's Rust files: the path inside `src` with `/` in it, and the text.
pub(crate) type Files = BTreeMap<String, String>;

/// The files below a `src` directory.
pub(crate) fn files_of(src: &Path) -> Files {
    fn gather(directory: &Path, prefix: &str, files: &mut Files) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                gather(&path, &format!("{name}/"), files);
            } else if name.ends_with(".rs") {
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = Files::new();
    gather(src, "", &mut files);
    files
}

/// A place where one file imports another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) line: usize,
    /// As it is written, with groups spelled out.
    pub(crate) path: String,
    pub(crate) to: String,
}

/// What the reader found.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// The files that are not tests.
    pub(crate) files: BTreeSet<String>,
    pub(crate) imports: BTreeSet<Import>,
    /// Other crates by the first part of a path: file, line, name.
    pub(crate) externs: BTreeSet<(String, usize, String)>,
    /// Where `unsafe` stands: file and line.
    pub(crate) unsafe_code: BTreeSet<(String, usize)>,
    /// What the reader cannot follow.
    pub(crate) flaws: Vec<String>,
}

/// Reads the crate `name` from its `lib.rs`, and the program beside it from its `main.rs`.
pub(crate) fn read(name: &str, files: &Files) -> Crate {
    let mut reader = Reader {
        name,
        files,
        modules: Vec::new(),
        mentions: Vec::new(),
        macros: BTreeMap::new(),
        macro_calls: Vec::new(),
        tests: BTreeSet::new(),
        result: Crate::default(),
        module: 0,
        depth: 0,
    };
    for root in ["lib.rs", "main.rs"] {
        if let Some(text) = files.get(root) {
            let root_module = reader.add_module(root, "", None);
            reader.read_file(root_module, text);
        }
    }
    reader.finish()
}

/// A module: a file, or a part of one.
#[derive(Default)]
struct Module {
    file: String,
    /// Where the files of its children are.
    directory: String,
    parent: Option<usize>,
    root: usize,
    children: BTreeMap<String, usize>,
    /// Functions, types and so on that it defines itself.
    items: BTreeSet<String>,
    /// Imported names, the module's own and those of its blocks: the name, and the path behind it.
    names: Vec<(String, Vec<String>)>,
    /// The paths of glob imports.
    globs: Vec<Vec<String>>,
}

/// A path in the code of a module.
struct Mention {
    module: usize,
    line: usize,
    path: Vec<String>,
    /// The last part of an import may be a module; that of any other path is an item.
    is_import: bool,
}

struct Reader<'a> {
    name: &'a str,
    files: &'a Files,
    modules: Vec<Module>,
    mentions: Vec<Mention>,
    /// The macros by name: the module, and whether it is exported to the crate's root.
    macros: BTreeMap<String, Vec<(usize, bool)>>,
    /// Calls of macros by a bare name: the module, the line, the name.
    macro_calls: Vec<(usize, usize, String)>,
    /// Files and folders that only tests reach.
    tests: BTreeSet<String>,
    result: Crate,
    /// The module that is being visited, and how many blocks deep.
    module: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn add_module(&mut self, file: &str, directory: &str, parent: Option<usize>) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            directory: directory.to_owned(),
            parent,
            root: parent.map_or(number, |parent| self.modules[parent].root),
            ..Module::default()
        });
        number
    }

    /// Reads the text of a file into the module that it is.
    fn read_file(&mut self, module: usize, text: &str) {
        let name = self.modules[module].file.clone();
        let file = match syn::parse_file(text) {
            Ok(file) => file,
            Err(error) => {
                self.result.flaws.push(format!("{name} is not Rust: {error}"));
                return;
            }
        };
        if is_test(&file.attrs) {
            self.tests.insert(name);
            return;
        }
        self.result.files.insert(name);
        self.within(module, |reader| reader.visit_file(&file));
    }

    fn within(&mut self, module: usize, visit: impl FnOnce(&mut Self)) {
        let outside = (self.module, self.depth);
        (self.module, self.depth) = (module, 0);
        visit(self);
        (self.module, self.depth) = outside;
    }

    fn file(&self) -> String {
        self.modules[self.module].file.clone()
    }

    fn mention(&mut self, line: usize, path: Vec<String>, is_import: bool) {
        self.mentions.push(Mention { module: self.module, line, path, is_import });
    }

    fn foreign(&mut self, line: usize, name: String) {
        let file = self.file();
        self.result.externs.insert((file, line, name));
    }

    fn is_unsafe(&mut self, token: Option<&Token![unsafe]>) {
        if let Some(token) = token {
            let file = self.file();
            self.result.unsafe_code.insert((file, token.span.start().line));
        }
    }

    /// The branches of a `use`, each as a path of its own.
    fn import(&mut self, tree: &UseTree, prefix: &[String], foreign: bool) {
        let with = |ident: &Ident| [prefix, &[name_of(ident)]].concat();
        let (line, path, name) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &with(&path.ident), foreign),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.import(item, prefix, foreign));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.span.start().line;
                if !foreign {
                    self.modules[self.module].globs.push(prefix.to_vec());
                }
                (line, prefix.to_vec(), None)
            }
            UseTree::Name(name) if name.ident == "self" => {
                (line_of(&name.ident), prefix.to_vec(), prefix.last().cloned())
            }
            UseTree::Name(name) => {
                (line_of(&name.ident), with(&name.ident), Some(name_of(&name.ident)))
            }
            UseTree::Rename(rename) => {
                let path =
                    if rename.ident == "self" { prefix.to_vec() } else { with(&rename.ident) };
                (line_of(&rename.ident), path, Some(name_of(&rename.rename)))
            }
        };
        if foreign {
            return self.foreign(line, path[0].clone());
        }
        if let Some(name) = name {
            self.modules[self.module].names.push((name, path.clone()));
        }
        self.mention(line, path, true);
    }

    /// The paths, macros and `unsafe` among the tokens of a macro call or an attribute.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut is_import = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Ident(ident) => {
                    let line = line_of(ident);
                    let mut path = vec![name_of(ident)];
                    let before = at - 1;
                    while let Some(TokenTree::Ident(next)) =
                        tokens.get(at + 2).filter(|_| is_path_separator(&tokens, at))
                    {
                        path.push(name_of(next));
                        at += 3;
                    }
                    let is_called = is_punct(tokens.get(at), '!')
                        && matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
                    let word = (path.len() == 1).then(|| path[0].clone());
                    match (word.as_deref(), tokens.get(at + 2)) {
                        (Some("unsafe"), _) => {
                            let file = self.file();
                            self.result.unsafe_code.insert((file, line));
                        }
                        _ if before > 1 && is_path_separator(&tokens, before - 2) => {
                            // `::name`, or what follows the brackets in `Type::<T>::name`.
                            self.foreign(line, path.swap_remove(0));
                        }
                        (_, Some(TokenTree::Group(group)))
                            if is_path_separator(&tokens, at)
                                && group.delimiter() == Delimiter::Brace =>
                        {
                            self.scan_group(&path, group.stream(), line);
                            at += 3;
                        }
                        (Some(_), _) if is_called => {
                            self.macro_calls.push((self.module, line, path.swap_remove(0)));
                        }
                        (Some(_), _) => {}
                        _ => self.mention(line, path, is_import),
                    }
                    is_import = word.as_deref() == Some("use");
                }
                _ => {}
            }
        }
    }

    /// A group of a `use` among tokens.
    fn scan_group(&mut self, prefix: &[String], tokens: TokenStream, line: usize) {
        let parse = Punctuated::<UseTree, Token![,]>::parse_terminated;
        match syn::parse::Parser::parse2(parse, tokens) {
            Ok(trees) => trees.iter().for_each(|tree| self.import(tree, prefix, false)),
            Err(_) => self.mention(line, prefix.to_vec(), true),
        }
    }

    /// A module with a file of its own.
    fn read_child(&mut self, item: &syn::ItemMod, test: bool) {
        let name = name_of(&item.ident);
        let directory = self.modules[self.module].directory.clone();
        let inner = format!("{directory}{name}/");
        let candidates = [format!("{directory}{name}.rs"), format!("{inner}mod.rs")];
        if test {
            self.tests.extend(candidates);
            self.tests.insert(inner);
            return;
        }
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            self.result.flaws.push(format!("{} gives {name} another path", self.file()));
            return;
        }
        let files = self.files;
        let Some((file, text)) = candidates.iter().find_map(|file| files.get_key_value(file))
        else {
            self.result.flaws.push(format!("{} declares {name}, which has no file", self.file()));
            return;
        };
        self.result.imports.insert(Import {
            from: self.file(),
            line: line_of(&item.ident),
            path: format!("mod {name}"),
            to: file.clone(),
        });
        let child = self.add_module(file, &inner, Some(self.module));
        self.modules[self.module].children.insert(name, child);
        self.read_file(child, text);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = describe(item);
        let is_tests = name.is_some_and(|name| name == "tests");
        if let syn::Item::Mod(module) = item {
            let test = is_test(attributes) || is_tests;
            match &module.content {
                None => self.read_child(module, test),
                Some(_) if test => {}
                Some((_, items)) => {
                    let Module { file, directory, .. } = &self.modules[self.module];
                    let (file, name) = (file.clone(), name_of(&module.ident));
                    let directory = format!("{directory}{name}/");
                    let child = self.add_module(&file, &directory, Some(self.module));
                    self.modules[self.module].children.insert(name, child);
                    self.within(child, |reader| {
                        items.iter().for_each(|item| reader.visit_item(item));
                    });
                }
            }
            return;
        }
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name.filter(|_| self.depth == 0) {
            self.modules[self.module].items.insert(name_of(name));
        }
        match item {
            syn::Item::Use(import) => {
                return self.import(&import.tree, &[], import.leading_colon.is_some());
            }
            syn::Item::ExternCrate(item) => {
                let line = line_of(&item.ident);
                match &item.rename {
                    Some((_, rename)) if item.ident == "self" => {
                        let alias = (name_of(rename), vec!["crate".to_owned()]);
                        self.modules[self.module].names.push(alias);
                    }
                    _ => self.foreign(line, name_of(&item.ident)),
                }
            }
            syn::Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    let exported =
                        item.attrs.iter().any(|attr| attr.path().is_ident("macro_export"));
                    self.macros.entry(name_of(name)).or_default().push((self.module, exported));
                }
            }
            syn::Item::ForeignMod(item) => self.is_unsafe(item.unsafety.as_ref()),
            syn::Item::Impl(item) => self.is_unsafe(item.unsafety.as_ref()),
            syn::Item::Trait(item) => self.is_unsafe(item.unsafety.as_ref()),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        use syn::ImplItem::{Const, Fn, Macro, Type};
        let attributes = match item {
            Const(item) => &item.attrs,
            Fn(item) => &item.attrs,
            Macro(item) => &item.attrs,
            Type(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        use syn::TraitItem::{Const, Fn, Macro, Type};
        let attributes = match item {
            Const(item) => &item.attrs,
            Fn(item) => &item.attrs,
            Macro(item) => &item.attrs,
            Type(item) => &item.attrs,
            _ => return visit::visit_trait_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        macro_rules! attributes {
            ($($kind:ident)*) => {
                match expr {
                    $(syn::Expr::$kind(expr) => &expr.attrs[..],)*
                    _ => &[],
                }
            };
        }
        let attributes = attributes! {
            Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field
            ForLoop If Index Let Lit Loop Macro Match MethodCall Paren Path Range Reference Repeat
            Return Struct Try Tuple Unary Unsafe While
        };
        if is_test(attributes) {
            return;
        }
        if let syn::Expr::Unsafe(expr) = expr {
            self.is_unsafe(Some(&expr.unsafe_token));
        }
        visit::visit_expr(self, expr);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_test(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !is_test(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !is_test(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_stmt_macro(&mut self, statement: &'ast syn::StmtMacro) {
        if !is_test(&statement.attrs) {
            visit::visit_stmt_macro(self, statement);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_test(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| name_of(&part.ident)).collect();
        if let Some(first) = path.segments.first() {
            let line = line_of(&first.ident);
            if path.leading_colon.is_some() {
                self.foreign(line, parts[0].clone());
            } else if parts.len() > 1 {
                self.mention(line, parts, false);
            }
        }
        visit::visit_path(self, path);
    }

    /// `pub(crate)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => {
                if list.path.is_ident("unsafe") {
                    let line = line_of(&list.path.segments[0].ident);
                    let file = self.file();
                    self.result.unsafe_code.insert((file, line));
                }
                self.scan(list.tokens.clone());
            }
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
            Meta::Path(path) => self.visit_path(path),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident() {
            self.macro_calls.push((self.module, line_of(name), name_of(name)));
        }
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    fn visit_safety(&mut self, safety: &'ast syn::Safety) {
        if let syn::Safety::Unsafe(token) = safety {
            self.is_unsafe(Some(token));
        }
    }

    fn visit_type_fn_ptr(&mut self, pointer: &'ast syn::TypeFnPtr) {
        self.is_unsafe(pointer.unsafety.as_ref());
        visit::visit_type_fn_ptr(self, pointer);
    }
}

/// An item's attributes and, if it has one, its name.
fn describe(item: &syn::Item) -> (&[Attribute], Option<&Ident>) {
    use syn::Item::*;
    match item {
        Const(item) => (&item.attrs, Some(&item.ident)),
        Enum(item) => (&item.attrs, Some(&item.ident)),
        ExternCrate(item) => (&item.attrs, None),
        Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        ForeignMod(item) => (&item.attrs, None),
        Impl(item) => (&item.attrs, None),
        Macro(item) => (&item.attrs, item.ident.as_ref()),
        Mod(item) => (&item.attrs, Some(&item.ident)),
        Static(item) => (&item.attrs, Some(&item.ident)),
        Struct(item) => (&item.attrs, Some(&item.ident)),
        Trait(item) => (&item.attrs, Some(&item.ident)),
        TraitAlias(item) => (&item.attrs, Some(&item.ident)),
        Type(item) => (&item.attrs, Some(&item.ident)),
        Union(item) => (&item.attrs, Some(&item.ident)),
        Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

/// Whether a `cfg` among the attributes holds in tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    /// What a condition is in a build without tests; none if that is open.
    fn without_tests(condition: &Meta) -> Option<bool> {
        let Meta::List(list) = condition else {
            return condition.path().is_ident("test").then_some(false);
        };
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let parts = list.parse_args_with(parse).unwrap_or_default();
        let parts: Vec<_> = parts.iter().map(without_tests).collect();
        let settles = |value| parts.contains(&Some(value)).then_some(value);
        let agree = |value| parts.iter().all(|part| *part == Some(value)).then_some(value);
        let is = |name| list.path.is_ident(name);
        if is("not") {
            parts.first().copied().flatten().map(|part| !part)
        } else if is("all") {
            settles(false).or(agree(true))
        } else if is("any") {
            settles(true).or(agree(false))
        } else {
            None
        }
    }
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        attribute
            .parse_args::<Meta>()
            .is_ok_and(|condition| without_tests(&condition) == Some(false))
    })
}

fn name_of(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn line_of(ident: &Ident) -> usize {
    ident.span().start().line
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// Modules that a path leads to, each with the files whose imports were passed on the way.
type Reached = Vec<(usize, BTreeSet<String>)>;

impl Reader<'_> {
    fn finish(mut self) -> Crate {
        // Imports first: a path through an imported name is the same import once more.
        self.mentions.sort_by_key(|mention| !mention.is_import);
        let mut imported = BTreeSet::new();
        for mention in &self.mentions {
            let from = &self.modules[mention.module].file;
            let Some(files) = self.lead(mention) else {
                let found = (from.clone(), mention.line, mention.path[0].clone());
                self.result.externs.insert(found);
                continue;
            };
            let is_absolute = ["crate", "self", "super"].contains(&mention.path[0].as_str());
            for to in files.into_iter().filter(|to| to != from) {
                let is_new = imported.insert((from.clone(), to.clone()));
                if is_new || is_absolute || mention.is_import {
                    self.result.imports.insert(Import {
                        from: from.clone(),
                        line: mention.line,
                        path: mention.path.join("::"),
                        to,
                    });
                }
            }
        }
        for (module, line, name) in &self.macro_calls {
            let Module { file, names, .. } = &self.modules[*module];
            let definitions = self.macros.get(name).into_iter().flatten();
            let files: BTreeSet<_> =
                definitions.map(|(module, _)| &self.modules[*module].file).collect();
            if files.contains(file) || names.iter().any(|(known, _)| known == name) {
                continue;
            }
            for to in files {
                self.result.imports.insert(Import {
                    from: file.clone(),
                    line: *line,
                    path: format!("{name}!"),
                    to: to.clone(),
                });
            }
        }
        for file in self.files.keys() {
            let is_test = file.split('/').any(|part| part == "tests" || part == "tests.rs")
                || self.tests.iter().any(|test| {
                    file == test || (test.ends_with('/') && file.starts_with(test.as_str()))
                });
            if !is_test && !self.result.files.contains(file) {
                self.result.flaws.push(format!("{file} belongs to no module"));
            }
        }
        self.result
    }

    /// The files that a path leads to; none if it leads to another crate or is local.
    fn lead(&self, mention: &Mention) -> Option<BTreeSet<String>> {
        let (mut reached, rest) = self.start(mention.module, &mention.path, &mut BTreeSet::new());
        if reached.is_empty() {
            return None;
        }
        let mut files = BTreeSet::new();
        for (at, name) in rest.iter().enumerate() {
            let is_last = at + 1 == rest.len();
            if is_last && !mention.is_import {
                return Some(self.item(&reached, name));
            }
            if is_last {
                // An import brings both the module and the item of that name.
                for (module, _) in &reached {
                    let Module { file, items, names, .. } = &self.modules[*module];
                    if items.contains(name) || names.iter().any(|(known, _)| known == name) {
                        files.insert(file.clone());
                    }
                }
            }
            let next = self.step(&reached, name, &mut BTreeSet::new());
            if next.is_empty() {
                return Some(self.item(&reached, name));
            }
            reached = next;
        }
        files.extend(self.files_of(&reached));
        Some(files)
    }

    fn files_of(&self, reached: &Reached) -> BTreeSet<String> {
        let here = reached.iter().map(|(module, _)| self.modules[*module].file.clone());
        let passed = reached.iter().flat_map(|(_, passed)| passed.clone());
        here.chain(passed).collect()
    }

    /// The files of the item `name` of the modules.
    fn item(&self, reached: &Reached, name: &str) -> BTreeSet<String> {
        let at_root = |(module, _): &(usize, _)| self.modules[*module].root == *module;
        let exported = self.macros.get(name).into_iter().flatten().find(|(_, exported)| *exported);
        match exported.filter(|_| reached.iter().any(at_root)) {
            Some((module, _)) => BTreeSet::from([self.modules[*module].file.clone()]),
            None => self.files_of(reached),
        }
    }

    /// Where a path begins, and what of it is left.
    fn start<'p>(
        &self,
        module: usize,
        path: &'p [String],
        seen: &mut BTreeSet<(usize, String)>,
    ) -> (Reached, &'p [String]) {
        let Some((first, mut rest)) = path.split_first() else { return (Vec::new(), path) };
        let Module { parent, root, .. } = &self.modules[module];
        let mut start = match first.as_str() {
            "crate" => Some(*root),
            "self" => Some(module),
            "super" => *parent,
            name if name == self.name && *root != 0 => Some(0),
            name => return (self.enter(module, name, seen), rest),
        };
        while let Some((_, after)) = rest.split_first().filter(|(name, _)| *name == "super") {
            start = start.and_then(|module| self.modules[module].parent);
            rest = after;
        }
        (start.into_iter().map(|module| (module, BTreeSet::new())).collect(), rest)
    }

    fn step(&self, reached: &Reached, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Reached {
        let mut next = Reached::new();
        for (module, passed) in reached {
            for (inner, also) in self.enter(*module, name, seen) {
                next.push((inner, passed | &also));
            }
        }
        next
    }

    /// The modules that `name` means within a module.
    fn enter(&self, module: usize, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Reached {
        if !seen.insert((module, name.to_owned())) {
            return Vec::new();
        }
        let Module { file, children, names, globs, .. } = &self.modules[module];
        if let Some(child) = children.get(name) {
            return vec![(*child, BTreeSet::new())];
        }
        let mut reached = Reached::new();
        for (_, path) in names.iter().filter(|(known, _)| known == name) {
            reached.extend(self.modules_at(module, path, seen));
        }
        if reached.is_empty() {
            for glob in globs {
                for (inner, passed) in self.modules_at(module, glob, seen) {
                    for (end, also) in self.enter(inner, name, seen) {
                        reached.push((end, &passed | &also));
                    }
                }
            }
        }
        for (_, passed) in &mut reached {
            passed.insert(file.clone());
        }
        reached
    }

    /// The modules that a path leads to, if it leads to modules.
    fn modules_at(
        &self,
        module: usize,
        path: &[String],
        seen: &mut BTreeSet<(usize, String)>,
    ) -> Reached {
        let (mut reached, rest) = self.start(module, path, seen);
        for name in rest {
            reached = self.step(&reached, name, seen);
        }
        reached
    }
}
