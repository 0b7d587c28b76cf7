// SPDX-License-Identifier: MIT
//
// The page: the user's choices (a range or a session, a brush in it, filters), the requests that
// follow from them, and the buttons. The server keeps none of this.
/* global Flamegraph */
import { get, getFile, logIn, post } from "./web_api.js";
import { button, find, make, span } from "./web_dom.js";
import { functionRows, functionsNote, historyRows, statusRows, summaryOf, targetRows }
	from "./web_panels.js";
import { Timeline, describe } from "./web_timeline.js";

const STATUS_MSEC = 2000;
const FOLLOW_MSEC = 10000; // the history grows by a window in this time
const PATIENCE_MSEC = 2500;
const GOOD_NEWS_MSEC = 8000;
const NO_ANSWER = "no answer";

const view = { since: "", session: null, brush: null };
let state = null, timeline = null, flame = null, sessions = [], polling = 0, samplesShown = null;

// ---- messages: one for each key, which goes when its action succeeds ----

const messages = new Map();

function unsay(key) {
	messages.get(key)?.remove();
	messages.delete(key);
}

function say(key, text, kind = "error") {
	if (messages.get(key)?.dataset.text === text)
		return;
	unsay(key);
	const element = make("p", { class: `message ${kind}`, "data-text": text }, make("span", {}, text),
		button("×", { "aria-label": "Dismiss", class: "small" }, () => unsay(key)));
	messages.set(key, element);
	find("messages").append(element);
	if (kind === "good")
		setTimeout(() => messages.get(key) === element && unsay(key), GOOD_NEWS_MSEC);
}

// Runs the action and shows a message where it fails. Returns whether it succeeded.
async function attempt(key, action) {
	try {
		await action();
		unsay(key);
		return true;
	} catch (error) {
		if (error.name === "AbortError")
			return false;
		if (error.status === 401 || error.status === 0)
			stop();
		say(error.status === 401 || error.status === 0 ? "connection" : key, error.message);
		return false;
	}
}

// ---- requests ----

const seconds = (usec) => `@${(usec / 1e6).toFixed(6)}`;

function target() {
	const kind = find("target-kind").value, value = find("target-value").value.trim();
	return kind && value ? `${kind}:${value}` : "";
}

function filters() {
	const kinds = find("kinds").value;
	return { filter: find("filter").value, target: target(), ...(kinds ? { [kinds]: "true" } : {}) };
}

const range = () => ({ session: view.session, since: view.session ? "" : view.since });

const chosen = () => (view.brush
	? { session: view.session, since: seconds(view.brush.since), until: seconds(view.brush.until) }
	: range());

const running = {};

// Returns the signal for a new request of a kind, and aborts the previous one.
function signalFor(kind) {
	running[kind]?.abort();
	running[kind] = new AbortController();
	return running[kind].signal;
}

// Runs a request, and marks the panel as busy while it takes long.
async function load(kind, panel, action) {
	const signal = signalFor(kind);
	const late = setTimeout(() => panel.classList.add("busy"), 300);
	const good = await attempt(kind, () => action(signal));
	clearTimeout(late);
	if (!signal.aborted)
		panel.classList.remove("busy");
	return good;
}

const loadTimeline = () => load("timeline", find("timeline"), async (signal) => {
	timeline.load(await get("timeline", { ...filters(), ...range() }, signal));
	find("timeline-none").hidden = timeline.slots > 0;
	describeBrush();
});

const loadFunctions = () => load("functions", find("functions").parentElement, async (signal) => {
	const answer = await get("functions", {
		...filters(), ...chosen(), max: find("max").value, sort: find("sort").value,
		by: find("by").value,
	}, signal);
	const named = ["function", "line"].includes(find("by").value);
	find("functions").replaceChildren(...functionRows(answer.records, named ? searchFlame : null));
	find("functions-none").hidden = answer.records.length > 0;
	find("functions-note").textContent = functionsNote(answer);
});

const loadFlame = () => load("flame", find("flame"), async (signal) => {
	const data = await get("flame", { ...filters(), ...chosen() }, signal);
	const empty = !(data.sides[0].hits > 0);
	samplesShown = data.sides[0].hits;
	find("flame-none").hidden = !empty;
	find("flame").hidden = empty;
	if (flame)
		flame.load(data);
	else
		flame = new Flamegraph(find("flame"), data);
});

const loadHistory = () => attempt("history", async () => {
	sessions = (await get("history")).sessions.sort((a, b) => b.started - a.started);
	showHistory();
});

const loadChosen = () => Promise.all([loadFunctions(), loadFlame()]);
const loadAll = () => Promise.all([loadTimeline(), loadChosen(), loadHistory()]);

// ---- status ----

function showStatus(status) {
	state = status.state;
	find("state").className = `state ${state}`;
	find("state-word").textContent = state;
	find("summary").textContent = summaryOf(status);
	find("status").replaceChildren(...statusRows(status));
	showTargets(status.targets);
	find("pause").disabled = state !== "running";
	find("resume").disabled = state === "running";
}

// Shows that there is no answer, instead of a status that may be wrong by now.
function showNoAnswer() {
	state = NO_ANSWER;
	find("state").className = "state";
	find("state-word").textContent = state;
	find("summary").textContent = "";
	find("pause").disabled = find("resume").disabled = false;
}

// Replaces the targets only when they have changed, so that an element keeps the focus.
let targetsShown = "";
function showTargets(targets) {
	const text = JSON.stringify(targets);
	if (text === targetsShown)
		return;
	const focused = document.activeElement?.getAttribute("aria-label");
	targetsShown = text;
	find("targets").replaceChildren(...(targets.length ? targetRows(targets, pauseTarget)
		: [make("li", { class: "none" }, "None.")]));
	if (focused)
		[...find("targets").querySelectorAll("button")]
			.find((b) => b.getAttribute("aria-label") === focused)?.focus();
}

// Loads the status, and loads everything again when oxprofd answers after it did not.
async function loadStatus() {
	const before = state;
	const good = await attempt("status", async () => showStatus(await get("status")));
	if (!good && !stopped)
		showNoAnswer();
	else if (good && before === NO_ANSWER)
		loadAll();
	else if (good && before && before !== state)
		loadHistory();
}

let stopped = false;

async function poll() {
	if (stopped)
		return;
	if (document.visibilityState === "visible")
		await loadStatus();
	// Another call may have set a timer while this one waited.
	clearTimeout(polling);
	if (!stopped)
		polling = setTimeout(poll, STATUS_MSEC);
}

function stop() {
	stopped = true;
	find("state").className = "state";
	find("state-word").textContent = "not connected";
}

function follow() {
	if (stopped || document.visibilityState !== "visible" || !find("follow").checked ||
	    state !== "running" || view.brush)
		return;
	loadTimeline();
	loadFunctions();
	if (!samplesShown)
		loadFlame();
}

// ---- orders ----

async function order(path, body, done) {
	const waiting = setTimeout(() => say("waiting", "Waiting for oxprofd: a password may be asked " +
		"for, where oxprofctl web runs or on the desktop.", "note"), PATIENCE_MSEC);
	const good = await attempt("order", () => post(path, body));
	clearTimeout(waiting);
	unsay("waiting");
	if (good)
		say("order", done, "good");
	await loadStatus();
	if (good)
		loadAll();
	return good;
}

const pauseTarget = (name) => order("pause", { target: [name] }, `Paused ${name}.`);

function unpause(event) {
	event.preventDefault();
	const kind = find("unpause-kind").value, value = find("unpause-value").value.trim();
	const name = kind === "all" ? "all" : `${kind}:${value}`;
	order("unpause", {
		target: [name],
		children: find("unpause-children").checked,
		for: find("unpause-for").value.trim(),
		frequency: find("unpause-frequency").value.trim(),
	}, `Profiling ${name}.`);
}

function chooseInterval(event) {
	event.preventDefault();
	const value = find("interval-seconds").value.trim();
	order("set-interval", { seconds: value }, `The interval is ${value} s.`);
}

// ---- choosing ----

function describeBrush() {
	const at = view.brush ?? (timeline.data?.since ? timeline.data : null);
	find("brush-text").textContent = at ? describe(at.since, at.until, span) : "";
	find("brush-clear").hidden = !view.brush;
}

function brush(next) {
	view.brush = next;
	describeBrush();
	loadChosen();
}

function chooseRange(since, session) {
	view.since = since;
	view.session = session;
	view.brush = null;
	timeline.choose(null);
	for (const one of find("ranges").children)
		one.setAttribute("aria-pressed", `${!session && one.dataset.since === since}`);
	find("session-chip").hidden = !session;
	find("session-name").textContent = session ? `session ${session}` : "";
	showHistory();
	loadTimeline();
	loadChosen();
}

function showHistory() {
	find("history").replaceChildren(...historyRows(sessions, view.session,
		(session) => chooseRange("", session.id === view.session ? null : session.id)));
	find("history-none").hidden = sessions.length > 0;
}

function searchFlame(record) {
	flame?.search(`^${record.name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`);
	find("flame").scrollIntoView({ block: "nearest" });
}

async function saveFlame() {
	await attempt("save", async () => {
		const url = URL.createObjectURL(await getFile("flame.html", { ...filters(), ...chosen() }));
		make("a", { href: url, download: "oxprof-flamegraph.html" }).click();
		setTimeout(() => URL.revokeObjectURL(url), 60000);
	});
}

const PLACEHOLDERS = { pid: "4242", comm: "nginx", unit: "nginx.service", cgroup: "/system.slice",
	user: "alice", all: "" };

function chooseKind() {
	const kind = find("unpause-kind").value, value = find("unpause-value");
	value.placeholder = PLACEHOLDERS[kind];
	value.disabled = kind === "all";
	value.required = kind !== "all";
}

function chooseTargetKind() {
	const kind = find("target-kind").value;
	find("target-value-label").hidden = !kind;
	find("target-value").placeholder = PLACEHOLDERS[kind] ?? "";
}

function listen() {
	const on = (id, type, action) => find(id).addEventListener(type, action);
	on("pause", "click", () => order("pause", {}, "Paused."));
	on("resume", "click", () => order("unpause", {}, "Unpaused."));
	on("unpause", "submit", unpause);
	on("unpause-kind", "change", chooseKind);
	on("interval", "submit", chooseInterval);
	on("target-kind", "change", chooseTargetKind);
	on("filters", "submit", (event) => { event.preventDefault(); loadTimeline(); loadChosen(); });
	on("kinds", "change", () => { loadTimeline(); loadChosen(); });
	for (const id of ["by", "sort", "max"])
		on(id, "change", loadFunctions);
	on("refresh", "click", refresh);
	on("brush-clear", "click", () => { timeline.choose(null); brush(null); });
	on("session-clear", "click", () => chooseRange("", null));
	on("ranges", "click", (event) => {
		if (event.target.dataset.since !== undefined)
			chooseRange(event.target.dataset.since, null);
	});
	on("flame-save", "click", saveFlame);
	document.addEventListener("visibilitychange", poll);
}

// Loads everything, also after the connection was lost.
async function refresh() {
	stopped = false;
	await poll();
	if (stopped)
		return;
	unsay("connection");
	loadAll();
}

async function begin() {
	let known = false;
	const good = await attempt("connection", async () => { known = await logIn(); });
	if (!good)
		return stop();
	if (!known) {
		stop();
		return say("connection", "Open the address that oxprofctl web has printed.");
	}
	refresh();
}

timeline = new Timeline(find("timeline"), { onbrush: brush });
listen();
chooseKind();
begin();
setInterval(follow, FOLLOW_MSEC);
// The user may open another address of this server in this tab.
addEventListener("hashchange", () => { if (location.hash) begin(); });
