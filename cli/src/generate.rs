//! `caretoken completions` and `caretoken man`.

use std::path::Path;

use clap_complete::Shell;

use crate::arguments;
use crate::failure::Failure;
use crate::output::print;

/// The completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut arguments::command(), "caretoken", &mut text);
    print(&text)
}

/// The manual's first page; with a directory, all its pages there, one for each command.
pub(crate) fn man(to: Option<&Path>) -> Result<(), Failure> {
    match to {
        None => {
            let mut text = Vec::new();
            let rendered = clap_mangen::Man::new(arguments::command()).render(&mut text);
            rendered.map_err(|error| Failure::file("the manual", &error, "report it"))?;
            print(&text)
        }
        Some(directory) => std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(arguments::command(), directory))
            .map_err(|error| {
                Failure::file(directory.display(), &error, "give a directory that can be written")
            }),
    }
}
