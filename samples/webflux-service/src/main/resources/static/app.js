"use strict";

const $ = id => document.getElementById(id);
const words = {
  REFRESHED: e => `Token ${e.text} is current`,
  REFRESH_FAILED: e => `The refresh failed and is repeated at ${clock(e.until)}. ${e.text}`,
  INVALIDATED: e => `The API refused token ${e.text}`,
  STORE_FAILED: e => `The token could not be saved (${e.text}), and will be`,
  GRANT_EXPIRING: e => `Your consent ends on ${new Date(e.until).toLocaleDateString()}: sign in again before`,
  LOGIN_REQUIRED: e => e.text,
  CLOSED: () => "The session is closed",
};
const bad = new Set(["REFRESH_FAILED", "INVALIDATED", "STORE_FAILED", "LOGIN_REQUIRED"]);

let token = null;      // the current one, with the instants of this page's own clock
let tokensSeen = 0;

const events = new EventSource("/events");
events.onopen = () => {
  show(true);
  live(true, "Live");
  me();
};
events.onerror = () => {
  // Closed means that the server said no: there is no session. Otherwise the browser is connecting again by itself.
  if (events.readyState === EventSource.CLOSED) {
    show(false);
  } else {
    live(false, "Connecting again");
  }
};
events.addEventListener("token", message => {
  const news = JSON.parse(message.data);
  if (token && token.fingerprint === news.fingerprint) {
    return;
  }
  const now = performance.now();
  token = { ...news, expiresAt: now + news.expiresIn * 1000, renewsAt: now + news.renewsIn * 1000 };
  tokensSeen++;
  showToken();
});
events.addEventListener("session", message => {
  const event = JSON.parse(message.data);
  log(event.at, (words[event.type] || (() => event.type))(event), {
    bad: bad.has(event.type),
    fingerprint: event.type === "REFRESHED" ? event.text : null,
  });
});
events.addEventListener("login-required", message => {
  $("ended-text").textContent = JSON.parse(message.data).text;
  $("ended").hidden = false;
});
$("ask").addEventListener("click", me);
setInterval(tick, 100);

function show(signedIn) {
  $("signed-in").hidden = $("logout").hidden = $("live").hidden = !signedIn;
  $("signed-out").hidden = signedIn;
}

function live(on, text) {
  $("live").classList.toggle("on", on);
  $("live-text").textContent = text;
}

function showToken() {
  $("fingerprint").textContent = token.fingerprint;
  $("swatch").style.setProperty("--swatch", colour(token.fingerprint));
  $("scopes").replaceChildren(...token.scopes.map(scope => element("li", scope)));
  $("count").textContent = tokensSeen;
  if (tokensSeen === 1) {
    log(Date.now(), `Token ${token.fingerprint} is current`, { fingerprint: token.fingerprint });
  }
  const card = $("fingerprint").parentElement;
  card.classList.remove("fresh");
  void card.offsetWidth;   // starts the animation again
  card.classList.add("fresh");
  tick();
}

function tick() {
  if (!token) {
    return;
  }
  const known = token.expiresIn != null;
  const left = known ? Math.max(0, (token.expiresAt - performance.now()) / 1000) : 0;
  const renews = known ? Math.max(0, (token.renewsAt - performance.now()) / 1000) : 0;
  $("expires").textContent = known ? (left ? span(left) : "over") : "unknown";
  $("renews").textContent = !known || !$("ended").hidden ? "never" : renews ? span(renews) : "due";
  $("left").style.width = known ? `${Math.min(100, 100 * left / token.lifetime)}%` : "0";
  $("mark").hidden = !known;
  $("mark").style.left = `${100 * (token.expiresIn - token.renewsIn) / token.lifetime}%`;
}

async function me() {
  try {
    const answer = await fetch("/me", { headers: { Accept: "application/json" } });
    const body = await answer.json();
    if (answer.ok) {
      showMe(body.display_name || body.id || "Somebody", [body.email, body.product, body.country].filter(Boolean).join(" · "), body);
    } else {
      showMe(body.title || "That did not work", body.detail || "", body);
    }
  } catch (error) {
    showMe("That did not work", "This service cannot be reached.", null);
  }
}

function showMe(name, detail, body) {
  $("name").textContent = name;
  $("detail").textContent = detail;
  $("avatar").textContent = name.trim().charAt(0).toUpperCase();
  $("me").textContent = body ? JSON.stringify(body, null, 2) : "";
  $("me").hidden = !body;
}

function log(at, text, { bad = false, fingerprint = null } = {}) {
  const line = document.createElement("li");
  const dot = document.createElement("i");
  if (fingerprint) {
    dot.style.setProperty("--swatch", colour(fingerprint));
  }
  line.classList.toggle("bad", bad);
  line.append(element("time", clock(at)), dot, element("span", text));
  $("log").prepend(line);
  while ($("log").children.length > 200) {
    $("log").lastChild.remove();
  }
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function span(seconds) {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${whole} s`;
}

/** The same for the same token, so that a change catches the eye. */
function colour(fingerprint) {
  return `hsl(${parseInt(fingerprint.slice(0, 4), 16) % 360} 62% 55%)`;
}
