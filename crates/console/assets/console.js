// Follows what happens: the part of the page that changes is fetched again when the server says so. Without this script
// everything works, and is as new as its last loading.
"use strict";

const live = document.querySelector("main[data-live]");
if (live && window.EventSource) {
  const status = document.getElementById("live");
  const events = new EventSource("/events");
  let fetching = false;

  const isBusy = () => {
    const active = document.activeElement;
    return live.contains(active) && active.matches("input, textarea, select");
  };

  const refresh = async () => {
    if (fetching || document.hidden || isBusy()) return;
    fetching = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
      if (!answer.ok) {
        status.textContent = `not live: the server answers ${answer.status}`;
        return;
      }
      status.textContent = "live";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (!fresh) return;
      const focused = document.activeElement && document.activeElement.id;
      live.replaceChildren(...fresh.childNodes);
      if (focused) document.getElementById(focused)?.focus();
    } catch {
      status.textContent = "not live: the server does not answer";
    } finally {
      fetching = false;
    }
  };

  events.addEventListener("tick", refresh);
  events.addEventListener("open", () => { status.textContent = "live"; });
  events.addEventListener("error", () => { status.textContent = "not live: the server does not answer"; });
}
