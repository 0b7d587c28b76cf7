// SPDX-License-Identifier: MIT
//
// The time line: hits per second over time, and a brush to choose a part of it.
//
//   const timeline = new Timeline(host, {onbrush});
//   timeline.load(data)      shows an answer of /api/timeline
//   timeline.brush           {since, until} in microseconds since 1970, or null: the whole time
//   timeline.choose(brush)   sets the brush without a call of onbrush
//
// The brush snaps to slots: the history has nothing finer, and there are no hits between slots.
import { clock, count, day } from "./web_dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 110, BARS = 84, SESSIONS = 4;
const TICK_WIDTH = 90;
const STEPS_SEC = [10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 2592000];

function draw(name, attributes, text) {
	const element = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	if (text !== undefined)
		element.textContent = text;
	return element;
}

export class Timeline {
	constructor(host, { onbrush }) {
		this.host = host;
		this.onbrush = onbrush;
		this.data = null;
		this.brush = null;
		this.picture = draw("svg", {
			tabindex: 0, role: "group", "aria-roledescription": "time line",
			"aria-label": "Hits by time", "aria-describedby": "timeline-help brush-text",
		});
		host.append(this.picture);
		this.picture.addEventListener("pointerdown", (event) => this.press(event));
		this.picture.addEventListener("pointermove", (event) => this.drag(event));
		this.picture.addEventListener("pointerup", () => this.release());
		this.picture.addEventListener("pointercancel", () => { this.pressed = null; });
		this.picture.addEventListener("keydown", (event) => this.key(event));
		new ResizeObserver(() => this.draw()).observe(host);
	}

	load(data) {
		this.data = data;
		this.draw();
	}

	choose(brush) {
		this.brush = brush;
		this.draw();
	}

	get slots() {
		return this.data ? this.data.hits.length : 0;
	}

	// Returns the slots [from, to) that the brush touches, at least one.
	get chosen() {
		if (!this.brush)
			return [0, this.slots];
		const { start, end } = this.data;
		let from = end.findIndex((usec) => usec > this.brush.since);
		if (from < 0)
			from = this.slots - 1;
		let to = from + 1;
		while (to < this.slots && start[to] < this.brush.until)
			to++;
		return [from, to];
	}

	set(from, to) {
		const all = from <= 0 && to >= this.slots;
		this.choose(all ? null : { since: this.data.start[from], until: this.data.end[to - 1] });
		this.onbrush(this.brush);
	}

	// ---- drawing ----

	draw() {
		const width = this.host.clientWidth;
		this.picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
		this.picture.setAttribute("width", width);
		this.picture.setAttribute("height", HEIGHT);
		this.picture.replaceChildren();
		if (!this.slots || width <= 0)
			return;
		this.first = this.data.start[0];
		this.scale = width / (this.data.end.at(-1) - this.first);
		this.drawBars();
		this.drawSessions(width);
		this.drawTicks(width);
		this.drawBrush(width);
	}

	// Returns the position of a time in the picture.
	place(usec) {
		return (usec - this.first) * this.scale;
	}

	drawBars() {
		const { start, end, hits, observed_usec: observed } = this.data;
		const rates = hits.map((n, i) => (1e6 * n) / Math.max(1, observed[i]));
		const most = Math.max(...rates);
		let path = "";
		rates.forEach((rate, i) => {
			const x = this.place(start[i]), width = this.place(end[i]) - x;
			const height = Math.max(1.5, (rate / most) * (BARS - 16));
			path += `M${x.toFixed(2)} ${BARS}v${(-height).toFixed(2)}` +
				`h${Math.max(1, width > 4 ? width - 1 : width).toFixed(2)}V${BARS}z`;
		});
		this.picture.append(draw("path", { class: "bars", d: path }));
		this.most = `${most < 10 ? most.toPrecision(2) : count(Math.round(most))} hits a second`;
	}

	// Draws the sessions, so that time without profiling differs from time without hits.
	drawSessions(width) {
		for (const session of this.data.sessions) {
			const from = Math.max(0, this.place(session.started));
			const to = Math.min(width, this.place(session.ended ?? this.data.until));
			if (to >= from)
				this.picture.append(draw("rect", {
					class: "session", x: from.toFixed(2), y: BARS + 1,
					width: Math.max(1, to - from).toFixed(2), height: SESSIONS,
				}));
		}
	}

	drawTicks(width) {
		const least = TICK_WIDTH / this.scale / 1e6;
		const step = (STEPS_SEC.find((s) => s >= least) ?? STEPS_SEC.at(-1)) * 1e6;
		// Steps of hours and days begin with the local day.
		const offset = new Date(this.first / 1000).getTimezoneOffset() * 60e6;
		let t = Math.ceil((this.first - offset) / step) * step + offset;
		for (; this.place(t) < width - 50; t += step) {
			const x = this.place(t).toFixed(2);
			const text = step >= 86400e6 ? day(t) : clock(t, step < 60e6);
			this.picture.append(
				draw("line", { class: "tick", x1: x, x2: x, y1: 16, y2: BARS + SESSIONS + 6 }),
				draw("text", { class: "time", x: Number(x) + 3, y: HEIGHT - 6 }, text));
		}
	}

	drawBrush(width) {
		const shade = (name, from, to) => this.picture.append(draw("rect", {
			class: name, x: from.toFixed(2), y: 0, width: Math.max(1, to - from).toFixed(2),
			height: BARS + SESSIONS + 1,
		}));
		if (this.brush) {
			const from = this.place(this.brush.since), to = this.place(this.brush.until);
			shade("shade", 0, from);
			shade("shade", to, width);
			shade("chosen", from, to);
		}
		this.picture.append(draw("text", { class: "most", x: 4, y: 12 }, this.most));
	}

	// ---- pointer ----

	// Returns the slot at the pointer, or the nearest one.
	slotAt(event) {
		const x = event.clientX - this.picture.getBoundingClientRect().left;
		const far = (i) => Math.max(this.place(this.data.start[i]) - x,
			x - this.place(this.data.end[i]), 0);
		let nearest = 0;
		for (let i = 1; i < this.slots; i++)
			if (far(i) < far(nearest))
				nearest = i;
		return nearest;
	}

	press(event) {
		if (!this.slots || event.button !== 0)
			return;
		this.picture.setPointerCapture(event.pointerId);
		this.pressed = { slot: this.slotAt(event), at: this.slotAt(event) };
	}

	drag(event) {
		if (!this.pressed)
			return;
		const at = this.slotAt(event), { slot } = this.pressed;
		if (at === this.pressed.at)
			return;
		this.pressed.at = at;
		this.choose({ since: this.data.start[Math.min(at, slot)],
			until: this.data.end[Math.max(at, slot)] });
	}

	// Ends a drag; a click without one chooses one slot.
	release() {
		if (!this.pressed)
			return;
		const { slot, at } = this.pressed;
		this.pressed = null;
		this.set(Math.min(at, slot), Math.max(at, slot) + 1);
	}

	// ---- keys ----

	key(event) {
		if (!this.slots || event.ctrlKey || event.altKey || event.metaKey)
			return;
		const next = this.moved(event.key, event.shiftKey);
		if (!next)
			return;
		event.preventDefault();
		this.set(...next);
	}

	// Returns where a key moves the brush; while all slots are chosen, the arrows begin at the ends.
	moved(key, shift) {
		const n = this.slots, by = Math.max(1, Math.round(n / 100));
		let [from, to] = this.chosen;
		const width = to - from;
		switch (key) {
		case "ArrowRight":
			if (!this.brush)
				return [0, Math.max(1, Math.round(n / 10))];
			if (shift)
				return [from, Math.min(n, to + by)];
			from = Math.min(n - width, from + by);
			return [from, from + width];
		case "ArrowLeft":
			if (!this.brush)
				return [n - Math.max(1, Math.round(n / 10)), n];
			if (shift)
				return [from, Math.max(from + 1, to - by)];
			from = Math.max(0, from - by);
			return [from, from + width];
		case "Home":
			return shift ? [0, to] : [0, width];
		case "End":
			return shift ? [from, n] : [n - width, n];
		case "Escape":
			return this.brush ? [0, n] : null;
		default:
			return null;
		}
	}
}

// Describes a range, as "14:03:10 to 14:05:00, 1 min 50 s".
export const describe = (since, until, span) => {
	const far = day(since) !== day(until) || day(since) !== day(Date.now() * 1000);
	const text = (usec) => (far ? `${day(usec)} ${clock(usec)}` : clock(usec));
	return `${text(since)} to ${text(until)}, ${span(until - since)}`;
};
