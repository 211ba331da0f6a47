//! `values`: values made of others.

use std::time::Duration;

use super::names::{DerivedName, Known, Names, Place, check_value_name};
use super::request::json_members;
use super::syntax::{Fault, Member, Node, Read};
use crate::profile::digest::{Encoding, Hash};
use crate::profile::jwt::Alg;
use crate::profile::vocabulary::{
    AlgChoice, Derived, How, Jwt, JwtKey, Kind, Piece, Places, Slot, Text, TimeFormat,
};

const HOWS: &[&str] =
    &["basic", "text", "uuid", "now", "sha256", "hmac", "jwt", "certificate_sha256"];
pub(super) const TIME_FORMATS: &[(&str, TimeFormat)] = &[
    ("seconds", TimeFormat::Seconds),
    ("milliseconds", TimeFormat::Milliseconds),
    ("rfc3339", TimeFormat::Rfc3339),
    ("http_date", TimeFormat::HttpDate),
];

/// The longest life of an assertion that makes sense.
const LONGEST_JWT: Duration = Duration::from_secs(24 * 3600);

/// One of the words of a table.
pub(super) fn choose<T: Copy>(node: &Node<'_>, table: &[(&str, T)]) -> Read<T> {
    let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
    Ok(table[node.word(&words)?].1)
}

/// Takes note of the names, so that a value can be told from a misspelt one wherever it stands.
pub(super) fn read_names<'a>(node: Option<&'a Node<'_>>, names: &mut Names<'a>) -> Read<()> {
    let Some(node) = node else { return Ok(()) };
    for member in node.entries()? {
        check_value_name(member.at, &member.name)?;
        if names.parameters.iter().any(|known| *known.name == *member.name) {
            return taken(member);
        }
        names.derived.push(DerivedName {
            name: &member.name,
            known: Known { at: member.at, is_used: false, may_be_in_url: true },
            needs: 0,
            uses: Vec::new(),
            is_fresh: false,
            is_number: false,
            places: Places::default(),
        });
    }
    match names.derived.len() > 40 {
        true => node.fault("there are more than 40 values", "no endpoint needs so many"),
        false => Ok(()),
    }
}

pub(super) fn taken<T>(member: &Member<'_>) -> Read<T> {
    Err(Fault::new(member.at, "this name is taken", "choose another name"))
}

/// Reads the values. All steps are known by name; which of them a value needs is noted.
pub(super) fn read(node: Option<&Node<'_>>, names: &mut Names<'_>) -> Read<Vec<Derived>> {
    let Some(node) = node else { return Ok(Vec::new()) };
    // Whichever step a value needs: what uses it must come after that.
    let steps_so_far = std::mem::replace(&mut names.steps_so_far, usize::MAX);
    let mut all = Vec::new();
    for (index, member) in node.entries()?.enumerate() {
        names.derived_so_far = index;
        names.slots.clear();
        let (derived, shown) = value(&member.value, names)?;
        let slots = std::mem::take(&mut names.slots);
        let (needs, mut uses) = (names.needs(&slots), names.derived_of(&slots));
        let is_fresh = matches!(derived.how, How::Uuid | How::Now(_) | How::Jwt(_))
            || uses.iter().any(|used| names.derived[*used].is_fresh);
        let may_be_in_url = slots.iter().take(shown).all(|slot| may_be_in_url(names, *slot));
        uses.push(index);
        let name = &mut names.derived[index];
        (name.needs, name.uses, name.is_fresh) = (needs, uses, is_fresh);
        (name.is_number, name.known.may_be_in_url) = (derived.is_number, may_be_in_url);
        all.push(derived);
    }
    names.steps_so_far = steps_so_far;
    names.derived_so_far = all.len();
    Ok(all)
}

fn may_be_in_url(names: &Names<'_>, slot: Slot) -> bool {
    match slot {
        Slot::Parameter(index) => names.of_parameters[index].may_be_in_url,
        Slot::Derived(index) => names.derived[index].known.may_be_in_url,
        Slot::Scopes | Slot::Endpoint | Slot::Step(_) => true,
        Slot::RefreshToken | Slot::AccessToken => false,
    }
}

/// A value, and how many of its slots, from the first on, can be read out of it.
fn value(node: &Node<'_>, names: &mut Names<'_>) -> Read<(Derived, usize)> {
    let words = node.object(&[
        "basic",
        "text",
        "uuid",
        "now",
        "sha256",
        "hmac",
        "jwt",
        "certificate_sha256",
        "as",
        "when",
        "number",
    ])?;
    let (how, inner) = words.exactly_one(HOWS)?;
    if !matches!(how, "sha256" | "hmac") {
        words.none_of(&["as"], "here")?;
    }
    let is_time = how == "now"
        && matches!(choose(inner, TIME_FORMATS)?, TimeFormat::Seconds | TimeFormat::Milliseconds);
    if !is_time {
        words.none_of(&["number"], "but for now in seconds or milliseconds")?;
    }
    let encoding = words.map("as", |node| choose(node, &Encoding::NAMES))?.unwrap_or(Encoding::Hex);
    let mut shown = if let "basic" | "text" = how { usize::MAX } else { 0 };
    let how = match how {
        "basic" => basic(inner, names)?,
        "text" => {
            let texts = inner.one_or_more()?.iter();
            How::Text(texts.map(|text| names.text(text, Place::Value)).collect::<Read<_>>()?)
        }
        "uuid" => {
            inner.must_be_true()?;
            How::Uuid
        }
        "now" => How::Now(choose(inner, TIME_FORMATS)?),
        "sha256" => How::Sha256(digested(inner, names)?, encoding),
        "hmac" => {
            let words = inner.object(&["hash", "key", "text"])?;
            How::Hmac {
                hash: choose(words.required("hash")?, &Hash::NAMES)?,
                key: digested(words.required("key")?, names)?,
                text: digested(words.required("text")?, names)?,
                encoding,
            }
        }
        "jwt" => {
            let (jwt, signed) = jwt(inner, names)?;
            shown = signed;
            How::Jwt(Box::new(jwt))
        }
        _ => {
            let index = names.parameter(inner, "a parameter of kind certificate")?;
            match names.parameters[index].kind {
                Kind::Certificate => How::CertificateSha256(index),
                _ => {
                    return inner.fault("this is no certificate", "name one of kind certificate");
                }
            }
        }
    };
    let when = words.map("when", |node| when(node, names))?.unwrap_or_default();
    let is_number = words.map("number", Node::boolean)?.unwrap_or(false);
    Ok((Derived { how, when, is_number }, shown))
}

fn digested(node: &Node<'_>, names: &mut Names<'_>) -> Read<Text> {
    names.text(node, Place::Digest)
}

fn basic(node: &Node<'_>, names: &mut Names<'_>) -> Read<How> {
    let words = node.object(&["user", "password", "percent_encode"])?;
    let percent_encode = words.map("percent_encode", Node::boolean)?.unwrap_or(false);
    let user = if percent_encode { Place::Basic } else { Place::BasicUser };
    let user_node = words.required("user")?;
    let user = names.text(user_node, user)?;
    let has_colon = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains(':'));
    if !percent_encode && user.0.iter().any(has_colon) {
        return user_node.fault("a user of HTTP Basic has no colon (RFC 7617 §2)", "remove it");
    }
    let password = names.text(words.required("password")?, Place::Basic)?;
    Ok(How::Basic { user, password, percent_encode })
}

fn when(node: &Node<'_>, names: &mut Names<'_>) -> Read<Vec<(usize, Vec<Box<str>>)>> {
    let mut all = Vec::new();
    for member in node.entries()? {
        let index = names.parameters.iter().position(|known| *known.name == *member.name);
        let Some((index, Kind::Choice(choices))) =
            index.map(|index| (index, &names.parameters[index].kind))
        else {
            let remedy = "name a parameter of kind choice";
            return Err(Fault::new(member.at, "this is no parameter of kind choice", remedy));
        };
        let known: Vec<&str> = choices.iter().map(|choice| &**choice).collect();
        let mut chosen: Vec<Box<str>> = Vec::new();
        for item in member.value.one_or_more()? {
            chosen.push(known[item.word(&known)?].into());
        }
        names.of_parameters[index].is_used = true;
        all.push((index, chosen));
    }
    match all.is_empty() {
        true => node.fault("this says nothing", "name a parameter and its choice, or leave it out"),
        false => Ok(all),
    }
}

/// A JWT, and how many slots its header and claims have.
fn jwt(node: &Node<'_>, names: &mut Names<'_>) -> Read<(Jwt, usize)> {
    let words = node.object(&["alg", "key", "header", "claims", "life"])?;
    let alg_node = words.required("alg")?;
    let (alg, algs) = alg(alg_node, names)?;
    let header = words.map("header", |node| json_members(node, names))?.unwrap_or_default();
    if let Some(node) = words.get("header").and_then(|header| header.object_member("alg")) {
        return node.fault("alg stands in the header by itself", "remove it from header");
    }
    let claims = words.map("claims", |node| json_members(node, names))?.unwrap_or_default();
    let life = words.map("life", Node::duration)?.unwrap_or(Duration::from_secs(300));
    if life > LONGEST_JWT {
        let node = words.required("life")?;
        return node.fault("an assertion does not live for longer than a day", "write 5m, say");
    }
    let shown = names.slots.len();
    let key_node = words.required("key")?;
    let key = match algs.iter().filter(|alg| alg.needs_private_key()).count() {
        0 => JwtKey::Shared(digested(key_node, names)?),
        count if count < algs.len() => {
            return alg_node.fault(
                "some of these algorithms need a private key, and some a shared secret",
                "keep those of one sort",
            );
        }
        _ => {
            let index = names.parameter(key_node, "a parameter of kind private_key")?;
            if names.parameters[index].kind != Kind::PrivateKey {
                let remedy = "give the parameter \"kind\": \"private_key\"";
                return key_node.fault("this algorithm needs a private key", remedy);
            }
            if !names.parameters[index].is_required {
                return key_node.fault("a key cannot be optional", "make it required");
            }
            JwtKey::Private(index)
        }
    };
    Ok((Jwt { alg, key, header, claims, life }, shown))
}

/// The algorithm, and all that it can be.
fn alg(node: &Node<'_>, names: &mut Names<'_>) -> Read<(AlgChoice, Vec<Alg>)> {
    let text = node.text()?;
    if !text.starts_with('{') {
        let alg = choose(node, &Alg::NAMES)?;
        return Ok((AlgChoice::Fixed(alg), vec![alg]));
    }
    let index = names.parameter(node, "a parameter of kind choice")?;
    let Kind::Choice(choices) = &names.parameters[index].kind else {
        return node.fault("this is no choice", "give the parameter \"kind\": \"choice\"");
    };
    let algs: Option<Vec<_>> = choices.iter().map(|choice| Alg::parse(choice)).collect();
    let is_always_set =
        names.parameters[index].is_required || names.parameters[index].default.is_some();
    match algs {
        Some(algs) if is_always_set => Ok((AlgChoice::Parameter(index), algs)),
        Some(_) => node.fault("this can be absent", "give the parameter a default"),
        None => node.fault(
            "it can be something that is no algorithm",
            format!("choose between: {}", Alg::NAMES.map(|(name, _)| name).join(", ")),
        ),
    }
}
