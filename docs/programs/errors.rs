use caretoken::{Client, Error, ErrorActor, Pattern};
use std::env::var;
use std::process::ExitCode;
use std::time::Duration;

/// Whom to tell, and when to come back.
fn handle(error: &Error) {
    eprintln!("{error}"); // safe to log: no secret, no part of an answer
    match error.actor() {
        _ if error.is_retryable() => {
            let wait = error.retry_after().unwrap_or(Duration::from_secs(30));
            println!("queue the work, and try again in {} ms", wait.as_millis());
        }
        // Once: the same error comes back at once, and nothing is sent meanwhile.
        ErrorActor::Operator => println!("alert the operator: {}", error.remedy()),
        ErrorActor::Vendor => {
            let vendor = error.vendor().unwrap_or_default();
            println!(
                "open a ticket at {vendor}, request {}",
                error.request_id().unwrap_or_default()
            );
        }
        _ => println!("mend the program: {}", error.field().unwrap_or_default()),
    }
}

fn fetch() -> Result<(), Error> {
    let mut builder = Client::builder(Pattern {
        base_url: var("PATTERN_BASE_URL").unwrap_or_default(),
        client_id: var("PATTERN_CLIENT_ID").unwrap_or_default(),
        client_secret: var("PATTERN_CLIENT_SECRET").unwrap_or_default().into(),
    });
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    builder.build()?.token_within(Duration::from_secs(2))?;
    Ok(())
}

fn main() -> ExitCode {
    match fetch() {
        Ok(()) => {
            println!("a token");
            ExitCode::SUCCESS
        }
        Err(error) => {
            handle(&error);
            ExitCode::FAILURE
        }
    }
}
