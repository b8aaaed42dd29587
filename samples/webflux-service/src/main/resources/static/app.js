"use strict";

const $ = id => document.getElementById(id);
const statusText = {
  VALID: "fresh",
  REFRESH_DUE: "refresh due",
  REFRESHING: "refreshing",
  RETRYING: "waiting for the server",
  SIGNING_IN: "signing in",
  LOGIN_REQUIRED: "sign-in ended",
  CLOSED: "closed",
};

let state = null;      // the latest state of the session
let ahead = 0;         // the service's clock minus this page's, in ms
let lifetime = 0;      // of the current token as this page has seen it, in ms
let tokensSeen = 0;
let events = null;

connect();
$("ask").addEventListener("click", me);
setInterval(tick, 100);

function sentence(text) {
  return !text || /[.!?]$/.test(text) ? text || "" : text + ".";
}

function connect() {
  events = new EventSource("/states");
  events.addEventListener("state", message => show(JSON.parse(message.data), Number(message.lastEventId)));
  events.onopen = () => {
    signedIn(true);
    live(true, "Live");
    me();
  };
  events.onerror = async () => {
    live(false, "Connecting again");
    if (events.readyState !== EventSource.CLOSED) {
      return; // the browser connects again by itself
    }
    const status = await fetch("/me", { headers: { Accept: "application/json" } }).then(r => r.status, () => 0);
    if (status === 401) {
      signedIn(false);
    } else {
      setTimeout(connect, 2000);
    }
  };
}

function show(next, serviceTime) {
  ahead = serviceTime - Date.now();
  const before = state;
  state = next;
  if (!before || before.fingerprint !== next.fingerprint) {
    tokensSeen++;
    lifetime = next.expiresAt ? Date.parse(next.expiresAt) - serviceTime : 0;
    $("fingerprint").textContent = next.fingerprint;
    $("swatch").style.setProperty("--swatch", colour(next.fingerprint));
    $("count").textContent = tokensSeen;
    const line = $("fingerprint").parentElement;
    line.classList.remove("fresh");
    void line.offsetWidth;   // starts the animation again
    line.classList.add("fresh");
    log(before ? `Refreshed: token ${next.fingerprint} is current` : `Token ${next.fingerprint} is current`,
      { fingerprint: next.fingerprint });
  }
  if (before && before.status !== next.status || !before && next.status !== "VALID") {
    if (next.status === "RETRYING") {
      log(`The refresh failed. ${sentence(next.problem)} Next attempt ${next.retryAt ? "at " + clock(next.retryAt) : "soon"}.`, { bad: true });
    } else if (next.status === "LOGIN_REQUIRED") {
      log(`The sign-in has ended. ${sentence(next.problem)}`, { bad: true });
    } else if (next.status === "CLOSED") {
      log("The session is closed");
    }
  }
  $("status").textContent = statusText[next.status] || next.status;
  $("status").className = `badge ${next.status.toLowerCase()}`;
  $("ended").hidden = next.status !== "LOGIN_REQUIRED";
  $("ended-text").textContent = next.problem || "";
  tick();
}

function tick() {
  if (!state) {
    return;
  }
  const now = Date.now() + ahead;
  const left = state.expiresAt ? Math.max(0, Date.parse(state.expiresAt) - now) : null;
  $("expires").textContent = left === null ? "unknown" : left ? span(left / 1000) : "expired";
  $("left").style.width = left === null || !lifetime ? "0" : `${Math.min(100, 100 * left / lifetime)}%`;
  const grant = state.grantExpiresAt ? Math.max(0, Date.parse(state.grantExpiresAt) - now) : null;
  const ended = state.status === "LOGIN_REQUIRED";
  $("grant").textContent = ended ? "no longer" : grant === null ? "until revoked" : span(grant / 1000);
}

async function me() {
  try {
    const response = await fetch("/me", { headers: { Accept: "application/json" } });
    const body = await response.json();
    if (response.ok) {
      showMe(body.display_name || body.id || "Somebody", [body.email, body.product, body.country].filter(Boolean).join(" · "), body);
    } else {
      showMe(body.title || "That did not work", body.detail || "", null);
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

function signedIn(yes) {
  $("signed-in").hidden = $("logout").hidden = $("live").hidden = !yes;
  $("signed-out").hidden = yes;
}

function live(on, text) {
  $("live").classList.toggle("on", on);
  $("live-text").textContent = text;
}

function log(text, { bad = false, fingerprint = null } = {}) {
  const line = document.createElement("li");
  const dot = document.createElement("i");
  if (fingerprint) {
    dot.style.setProperty("--swatch", colour(fingerprint));
  }
  line.classList.toggle("bad", bad);
  line.append(element("time", clock(Date.now())), dot, element("span", text));
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
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

function span(seconds) {
  const whole = Math.ceil(seconds);
  const days = Math.floor(whole / 86400);
  const minutes = Math.floor(whole / 60);
  return days ? `${days} ${days === 1 ? "day" : "days"}`
    : minutes >= 60 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`
    : minutes ? `${minutes} min ${String(whole % 60).padStart(2, "0")} s` : `${whole} s`;
}

/** The same for the same token, so that a change catches the eye. */
function colour(fingerprint) {
  return `hsl(${parseInt(fingerprint.slice(0, 4), 16) % 360} 62% 55%)`;
}
