//! What was found, for people.

use serde_json::Value;

pub(crate) fn print(found: &Value) {
    let machine = &found["machine"];
    println!(
        "{} cores of {}, {}, Linux {}; fdatasync {} (99 %: {}); Amazon Pay answers after {} ms",
        machine["cores"],
        text(&machine["processor"]),
        text(&machine["memory"]),
        text(&machine["kernel"]),
        ms(&found["fdatasyncMs"]["p50"]),
        ms(&found["fdatasyncMs"]["p99"]),
        found["answerTimeMs"],
    );
    if !found["pairs"].is_null() {
        pairs(all(&found["pairs"]));
    }
    if let Some(recovery) = found.get("recovery") {
        println!(
            "\nkilled with 64 in flight: first confirmation {} s after the start, partitions from the group after {} s",
            number(&recovery["firstConfirmationAfterS"], 2),
            number(&recovery["joinedAfterS"], 2),
        );
    }
    for one in all(&found["settled"]) {
        println!(
            "\nwith {} settled sessions in the log, {} bytes each",
            one["sessions"],
            number(&one["bytesPerSession"], 0)
        );
        speeds(text(&one["measured"]["store"]), &one["measured"]);
        let rebuild = &one["rebuild"];
        println!(
            "  state made anew from {} events in {} s: {} events a second",
            rebuild["events"],
            number(&rebuild["seconds"], 1),
            number(&rebuild["eventsPerSecond"], 0)
        );
    }
    for one in all(&found["open"]) {
        println!("\nwith {} open sessions of another account", one["sessions"]);
        speeds(text(&one["measured"]["store"]), &one["measured"]);
        let (resident, idle) = (&one["residentMb"], &one["idleCores"]);
        println!(
            "  resident {} MB, half a minute later {} MB, at most {} MB; idle: confirmd {} of a core, PostgreSQL {}",
            number(&resident["first"], 1),
            number(&resident["last"], 1),
            number(&resident["peak"], 1),
            number(&idle["confirmd"], 3),
            number(&idle["postgres"], 3)
        );
    }
}

fn pairs(pairs: &[Value]) {
    println!("\nsessions a second, and milliseconds from event to outcome (floor: from call to answer)");
    println!(
        "{:<12}{:>9} {:>16} {:>16} {:>9} {:>26} {:>9} {:>10}",
        "log", "in flight", "floor /s", "pipeline /s", "of floor", "p50 / p95 / p99", "added", "told p99"
    );
    for one in pairs {
        speeds(text(&one["store"]), one);
    }
    println!("\nmilliseconds of processor time a session, and what PostgreSQL does for it");
    for one in pairs {
        costs(one);
    }
}

fn speeds(name: &str, one: &Value) {
    let pipeline = &one["pipeline"];
    let percentiles = ["p50Ms", "p95Ms", "p99Ms"].map(|name| number(&pipeline[name], 1));
    println!(
        "{name:<12}{:>9} {:>16} {:>16} {:>9} {:>26} {:>9} {:>10}",
        one["inFlight"],
        number(&one["floor"]["perSecond"], 0),
        number(&pipeline["perSecond"], 0),
        number(&one["pipelineOfFloor"], 2),
        percentiles.join(" / "),
        number(&one["addedP50Ms"], 1),
        number(&one["toldAfterAnswerP99Ms"], 1),
    );
}

fn costs(one: &Value) {
    let each = one["processorMsPerSession"].as_object().into_iter().flatten();
    let each: Vec<String> = each
        .map(|(process, spent)| format!("{process} {}", number(spent, 2)))
        .collect();
    let per_session = &one["perSession"];
    let database = if per_session.is_null() {
        String::new()
    } else {
        format!(
            "; {} commits, {} flushes, {} bytes of WAL",
            number(&per_session["commits"], 2),
            number(&per_session["flushes"], 2),
            number(&per_session["walBytes"], 0)
        )
    };
    println!(
        "{:<12}{:>9} {}{database}; at most {} MB",
        text(&one["store"]),
        one["inFlight"],
        each.join(", "),
        number(&one["peakMemoryMb"], 1)
    );
}

fn all(values: &Value) -> &[Value] {
    values.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn number(value: &Value, decimals: usize) -> String {
    value
        .as_f64()
        .map_or("-".to_owned(), |number| format!("{number:.decimals$}"))
}

fn ms(value: &Value) -> String {
    format!("{} ms", number(value, 2))
}
