use caretoken::{Client, Pattern};
use std::env::var;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::builder(Pattern {
        base_url: var("PATTERN_BASE_URL")?,
        client_id: var("PATTERN_CLIENT_ID")?,
        client_secret: var("PATTERN_CLIENT_SECRET")?.into(),
    })
    // On the thread where it happens, maybe on several at once: keep it short. A program that has a
    // logger of the `log` crate needs no callback: the target is `caretoken`.
    .on_event(|event| eprintln!("{event}"));
    if let Ok(ca_file) = var("CARETOKEN_CA_FILE") {
        builder = builder.set("ca_file", ca_file)?;
    }
    let client = builder.build()?;
    client.token()?;
    client.token()?;

    let stats = client.stats();
    println!("{} from the cache, {} fetched, {} failed", stats.hits, stats.fetches, stats.failures);
    Ok(())
}
