// SPDX-License-Identifier: MIT
//
// Elements for the answers of the daemon: status, targets, functions, history.
import { button, bytes, count, make, moment, nanoseconds, percent, span } from "./web_dom.js";

// ---- status ----

const sum = (counts) => Object.values(counts ?? {}).reduce((a, b) => a + b, 0);

const list = (counts) => Object.entries(counts).filter(([, n]) => n > 0)
	.map(([name, n]) => `${name} ${count(n)}`).join(", ");

const only = (counts, wanted) =>
	Object.fromEntries(Object.entries(counts ?? {}).filter(([name]) => wanted(name)));

function achieved(status) {
	const wanted = nanoseconds(status.interval_ns);
	if (!(status.achieved_mean_ns > 0))
		return `${wanted} wanted`;
	return `${wanted} wanted, ${nanoseconds(status.achieved_mean_ns)} ± ` +
		`${nanoseconds(status.achieved_sd_ns)} achieved`;
}

function whole(stacks) {
	const all = sum(stacks);
	if (all === 0)
		return null;
	const text = `${percent((stacks.root ?? 0) / all)} whole`;
	const rest = list(only(stacks, (name) => name !== "root"));
	return rest ? `${text}; ends early: ${rest}` : text;
}

function unwinding(status) {
	if (status.unwind_tables === null)
		return null;
	const more = [["unwind_waiting", "being made"], ["unwind_refused", "cannot be made"],
		["unwind_evicted", "had to make room"]]
		.filter(([key]) => status[key] > 0).map(([key, text]) => `, ${count(status[key])} ${text}`);
	return `${count(status.unwind_tables)} tables, ${bytes(status.unwind_bytes)} of ` +
		`${bytes(status.unwind_budget_bytes)}${more.join("")}`;
}

const UNREAD_MAX = 10;

function python(status) {
	const all = status.interpreters ?? [];
	if (all.length === 0)
		return null;
	const versions = {};
	for (const one of all.filter((i) => i.state === "read"))
		versions[one.name ?? "?"] = (versions[one.name ?? "?"] ?? 0) + 1;
	const unread = all.filter((i) => i.state !== "read");
	const lines = unread.slice(0, UNREAD_MAX).map((i) =>
		make("li", {}, `pid ${i.pid} (${i.comm}): ${i.name}: ${i.note ?? i.state}`));
	const rest = (status.interpreters_total ?? all.length) - sum(versions) - lines.length;
	if (rest > 0)
		lines.push(make("li", {}, `and ${count(rest)} more`));
	const read = Object.entries(versions)
		.map(([name, n]) => `${name}: ${count(n)} ${n === 1 ? "process" : "processes"}`).join(", ");
	return make("div", {}, read || null,
		lines.length ? make("ul", {}, ...lines) : null);
}

export function statusRows(status) {
	const inPart = new Set(status.losses_in_part);
	const lost = only(status.lost, (name) => !inPart.has(name));
	return [
		["Notice", status.notice],
		["Mode", status.mode],
		["Interval", achieved(status)],
		["Samples", count(status.samples)],
		["Running", status.running_usec > 0 ? span(status.running_usec) : null],
		["Stacks", whole(status.stacks)],
		["Lost", list(lost) || "none"],
		["In part", list(only(status.lost, (name) => inPart.has(name))) || null],
		["Unwinding", unwinding(status)],
		["Python", python(status)],
		["Cost", `daemon ${(status.daemon_cpu_usec / 1e6).toFixed(2)} s CPU` +
			(status.sample_cost_ns > 0 ? `, kernel ${nanoseconds(status.sample_cost_ns)} a sample` : "")],
		["Database", `${bytes(status.database_bytes)}, ${status.database_path}`],
		["Version", status.version],
	].filter(([, value]) => value !== null && value !== undefined)
		.flatMap(([key, value]) => [
			make("dt", { class: key === "Notice" ? "bad" : null }, key),
			make("dd", { class: key === "Notice" ? "bad" : null }, value),
		]);
}

export const summaryOf = (status) => [
	`${count(status.targets.length)} ${status.targets.length === 1 ? "target" : "targets"}`,
	`${count(status.samples)} samples`,
	status.achieved_mean_ns > 0
		? `every ${nanoseconds(status.achieved_mean_ns)} ± ${nanoseconds(status.achieved_sd_ns)}` : null,
].filter(Boolean).join(" · ");

export const targetRows = (targets, onpause) => targets.map((target) => make("li", {},
	make("span", { class: "target" }, target.target),
	make("span", { class: `word ${target.state}` }, target.state),
	make("span", { class: "note" }, [
		target.children ? "with children" : null,
		`${count(target.samples)} samples`,
		target.until ? `until ${moment(target.until)}` : null,
	].filter(Boolean).join(", ")),
	target.state === "paused" || target.state === "exited" ? null
		: button("Pause", { class: "small", "aria-label": `Pause ${target.target}` },
			() => onpause(target.target))));

// ---- functions ----

function share(value) {
	const fill = make("span", { class: "fill" });
	fill.style.width = `${Math.min(100, 100 * (value ?? 0)).toFixed(2)}%`;
	return make("td", { class: "share" }, make("span", { class: "track" }, fill), percent(value));
}

const number = (value) =>
	make("td", { class: "number" }, value === null || value === undefined ? "–" : count(value));

const place = (record) => {
	if (record.pid)
		return `pid ${record.pid}${record.tid ? `, thread ${record.tid}` : ""}`;
	return record.file ? `${record.file}${record.line ? `:${record.line}` : ""}` : null;
};

function nameCell(record, onname) {
	const name = record.name ?? "–", where = place(record);
	return make("td", { class: "name" },
		onname ? button(name, { class: "link", title: "Find it in the flame graph" },
			() => onname(record)) : make("span", {}, name),
		where ? make("span", { class: "where" }, where) : null);
}

export const functionRows = (records, onname) => records.map((record) => make("tr", {},
	number(record.self), share(record.self_share),
	number(record.total), share(record.total_share),
	make("td", {}, record.kind ? make("span", { class: `kind ${record.kind}` }, record.kind) : "–"),
	nameCell(record, onname)));

export function functionsNote(answer) {
	const lost = sum(answer.lost);
	return [
		`${count(answer.samples)} samples`,
		`${count(answer.distinct)} distinct stacks`,
		answer.stacks && sum(answer.stacks) > (answer.stacks.root ?? 0) ? whole(answer.stacks) : null,
		lost > 0 ? `losses: ${list(answer.lost)}` : null,
		answer.restricted ? "only your own processes" : null,
	].filter(Boolean).join(" · ");
}

// ---- history ----

const shortened = (targets) => (targets ?? []).slice(0, 3).join(" ") +
	(targets?.length > 3 ? ` and ${targets.length - 3} more` : "");

export function historyRows(sessions, chosen, onchoose) {
	return sessions.map((session) => {
		const pressed = session.id === chosen, lost = sum(session.lost);
		const now = Date.now() * 1000;
		const length = session.ended ? span(session.ended - session.started)
			: `${span(now - session.started)}, runs`;
		const row = make("tr", { class: pressed ? "chosen" : null },
			make("td", {}, button(`${session.id}`, { class: "small", "aria-pressed": `${pressed}`,
				"aria-label": `Session ${session.id}, ${moment(session.started)}` },
			(event) => { event.stopPropagation(); onchoose(session); }),
			make("span", { class: "where" }, moment(session.started))),
			make("td", { class: "which" }, shortened(session.targets),
				make("span", { class: "where" },
					`${length}; ${session.mode}, ${nanoseconds(session.interval_ns)}`)),
			make("td", { class: "number" }, count(session.samples),
				lost > 0 ? make("span", { class: "where", title: list(session.lost) },
					`lost ${count(lost)}`) : null));
		row.addEventListener("click", () => onchoose(session));
		return row;
	});
}
