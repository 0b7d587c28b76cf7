/* SPDX-License-Identifier: MIT */
"use strict";

/*
 * A flame graph in a page. Needs flame_layout.js, flame_paint.js, flame_words.js and flame_keys.js
 * before it, and flamegraph.css.
 *
 *   new Flamegraph(host, data, {onzoom(node), page})   host: an empty element; data: client/flame/flame.h,
 *                                      or null, and then load() brings them. page: the graph is the
 *                                      whole page, and has "/" and Ctrl-F wherever the focus is.
 *   load(data)        shows other data from the root on, or in its place what is wrong with the data
 *   search(text)      marks functions by a regular expression and returns {share, count, error}: their
 *                     share of what is shown (0 .. 1), their number, and what is wrong with the
 *                     expression, or ""
 *   zoom(node)        shows one node as wide as the host; node 0 is the whole graph
 *   out()             goes back to where the last zoom began
 *   select(node)      selects a node as the arrow keys do
 *   destroy()         leaves the host empty
 *
 * The property `flamegraph` of the host is this object. Text from the data is put into the page as
 * text, never as markup.
 */
class Flamegraph {
	constructor(host, data, options = {}) {
		this.host = host;
		this.options = options;
		this.aborter = new AbortController();
		this.below = false;
		host.flamegraph = this;
		host.classList.add("flamegraph");
		this.build();
		this.painter = new FlamePainter(this.canvas);
		this.listen();
		if (data)
			this.load(data);
	}

	destroy() {
		this.aborter.abort();
		this.observer.disconnect();
		cancelAnimationFrame(this.frame);
		this.host.replaceChildren();
		this.host.classList.remove("flamegraph");
		delete this.host.flamegraph;
	}

	/* ---- the page ---- */

	element(name, className, text) {
		const element = document.createElement(name);

		if (className)
			element.className = "flamegraph-" + className;
		if (text)
			element.textContent = text;
		return element;
	}

	build() {
		this.tools = this.element("div", "tools");
		this.scroller = this.element("div", "scroll");
		this.spacer = this.element("div", "spacer");
		this.canvas = this.element("canvas", "canvas");
		this.detail = this.element("div", "detail");
		this.detailName = this.element("div", "name");
		this.detailText = this.element("div", "numbers");
		this.live = this.element("div", "spoken");
		this.legend = this.element("div", "legend");
		this.notes = this.element("div", "notes");
		this.scroller.tabIndex = 0;
		this.scroller.setAttribute("role", "application");
		this.scroller.setAttribute("aria-label", "Flame graph. Arrow keys go from frame to frame, " +
			"Enter zooms, Escape goes back, / searches.");
		this.live.setAttribute("aria-live", "polite");
		this.buildTools();
		this.spacer.append(this.canvas);
		this.scroller.append(this.spacer);
		this.detail.append(this.detailName, this.detailText);
		this.host.replaceChildren(this.tools, this.scroller, this.detail, this.live, this.legend,
			this.notes);
	}

	buildTools() {
		const label = this.element("label", "", "Search ");

		this.input = this.element("input", "search");
		this.input.type = "search";
		this.input.placeholder = "regular expression ( / )";
		this.input.spellcheck = false;
		this.found = this.element("span", "found");
		this.found.setAttribute("role", "status");
		this.outButton = this.button("Zoom out", () => this.out());
		this.belowButton = this.button("Root below", () => this.turn());
		this.belowButton.setAttribute("aria-pressed", "false");
		this.sideSelect = this.element("select", "side");
		this.sideSelect.setAttribute("aria-label", "Whose time the widths are");
		for (const [value, text] of [["with", "widths: with"], ["base", "widths: base"],
			["both", "widths: both"]]) {
			const option = this.element("option", "", text);

			option.value = value;
			this.sideSelect.append(option);
		}
		label.append(this.input);
		this.tools.append(label, this.found, this.sideSelect, this.outButton, this.belowButton);
	}

	button(text, action) {
		const button = this.element("button", "", text);

		button.type = "button";
		button.addEventListener("click", action);
		return button;
	}

	listen() {
		const on = (target, type, action) =>
			target.addEventListener(type, action, {signal: this.aborter.signal});
		const dark = window.matchMedia("(prefers-color-scheme: dark)");

		on(this.input, "input", () => this.search(this.input.value));
		on(this.sideSelect, "change", () => this.show(this.sideSelect.value));
		on(this.scroller, "scroll", () => this.repaint());
		on(this.canvas, "pointermove", (event) => this.hover(this.nodeAt(event)));
		on(this.canvas, "pointerleave", () => this.hover(null));
		on(this.canvas, "click", (event) => this.onClick(event));
		on(dark, "change", () => this.recolour());
		on(window, "beforeprint", () => this.print(true));
		on(window, "afterprint", () => this.print(false));
		new FlameKeys(this).listen(on);
		this.observer = new ResizeObserver(() => this.resize());
		this.observer.observe(this.scroller);
	}

	/* ---- what is shown ---- */

	load(data) {
		this.layout = null;
		this.hovered = null;
		try {
			this.layout = new FlameLayout(data);
		} catch (error) {
			this.legend.replaceChildren();
			this.notes.textContent = "";
			this.sayDetail(error.message, "");
		}
		this.host.classList.toggle("flamegraph-empty", !(this.layout?.weight[0] > 0));
		if (!this.layout)
			return;
		this.sideSelect.hidden = !this.layout.diff;
		this.layout.show(this.sideSelect.value);
		this.goTo(0, []);
		this.describeAll();
		this.search(this.input.value);
		this.select(0);
		this.resize();
		this.scroller.scrollTop = this.below ? this.scroller.scrollHeight : 0;
	}

	describeAll() {
		const looks = this.layout.diff ? FlameWords.CHANGES : FlameWords.KINDS;

		this.legend.replaceChildren(...looks.map(([look, text]) => {
			const entry = this.element("span", "entry");
			const swatch = this.element("canvas", "swatch");

			swatch.setAttribute("aria-hidden", "true");
			entry.append(swatch, text);
			this.legend.append(entry);
			new FlamePainter(swatch).paintSwatch(look);
			return entry;
		}));
		this.notes.replaceChildren(...FlameWords.notes(this.layout)
			.map((text) => this.element("div", "note", text)));
		this.narrow = this.element("div", "note");
		this.notes.append(this.narrow);
	}

	/* Chooses the side of a diff whose time is the width. */
	show(side) {
		if (!this.layout)
			return;
		this.layout.show(side);
		this.sideSelect.value = side;
		this.goTo(this.layout.weight[this.zoomed] > 0 ? this.zoomed : 0, this.trail);
		this.search(this.input.value);
		this.select(this.selected);
	}

	/* Turns the graph upside down. */
	turn() {
		this.below = !this.below;
		this.belowButton.setAttribute("aria-pressed", String(this.below));
		this.resize();
		this.scroller.scrollTop = this.below ? this.scroller.scrollHeight : 0;
	}

	resize() {
		const height = (this.layout?.rows ?? 0) * FlamePainter.ROW;

		this.spacer.style.height = height + "px";
		this.painter.resize(this.scroller.clientWidth, this.printing
			? Math.min(height, 16000) : Math.min(height, this.scroller.clientHeight));
		this.paint();
	}

	recolour() {
		this.painter.readColours();
		if (this.layout)
			this.describeAll();
		this.paint();
	}

	/* Shows the whole graph for printing, since paper does not scroll. */
	print(printing) {
		this.printing = printing;
		this.host.classList.toggle("flamegraph-paper", printing);
		this.resize();
		this.recolour();
	}

	/* Paints with the next frame of the screen. */
	repaint() {
		cancelAnimationFrame(this.frame);
		this.frame = requestAnimationFrame(() => this.paint());
	}

	paint() {
		if (!this.layout || !this.painter.width)
			return;
		const from = this.layout.start[this.zoomed];

		this.painter.paint({
			layout: this.layout, from, to: from + (this.layout.weight[this.zoomed] || 1),
			scroll: this.printing ? 0 : this.scroller.scrollTop, below: this.below,
			selected: this.selected, hovered: this.hovered, marks: this.result?.marks ?? null,
		});
		this.narrow.textContent = this.painter.narrow
			? FlameWords.count(this.painter.narrow, "frame") +
			  " in view too narrow to be told apart, drawn grey: zoom in." : "";
	}

	/* ---- zoom ---- */

	zoom(node) {
		if (!this.layout || !(this.layout.weight[node] > 0) || node === this.zoomed)
			return;
		this.goTo(node, [...this.trail, this.zoomed]);
	}

	out() {
		if (this.layout && this.trail.length > 0)
			this.goTo(this.trail[this.trail.length - 1], this.trail.slice(0, -1));
	}

	goTo(node, trail) {
		const moved = node !== this.zoomed;

		this.zoomed = node;
		this.trail = trail;
		this.outButton.disabled = trail.length === 0;
		this.repaint();
		if (moved)
			this.options.onzoom?.(node);
	}

	/* ---- search ---- */

	search(text) {
		if (this.input.value !== text)
			this.input.value = text;
		this.result = this.layout?.search(text) ?? null;
		this.found.textContent = FlameWords.found(this.result);
		this.found.classList.toggle("flamegraph-wrong", Boolean(this.result?.error));
		this.repaint();
		return {share: this.result?.share ?? 0, count: this.result?.count ?? 0,
			error: this.result?.error ?? ""};
	}

	/* Goes from one match to the next one. */
	selectMatch(step) {
		const nodes = this.result?.nodes ?? [], at = nodes.indexOf(this.selected);

		if (nodes.length === 0)
			return;
		const node = nodes[at < 0 ? 0 : (at + step + nodes.length) % nodes.length];
		if (!this.isInView(node))
			this.goTo(0, []);
		this.select(node);
	}

	/* ---- one frame ---- */

	isInView(node) {
		const {start, weight} = this.layout, from = start[this.zoomed];

		return weight[node] > 0 && start[node] < from + weight[this.zoomed] &&
			start[node] + weight[node] > from;
	}

	select(node) {
		this.selected = node;
		this.reveal(node);
		this.describe(node);
		this.live.textContent = this.detailName.textContent + ", " + this.detailText.textContent;
		this.repaint();
	}

	reveal(node) {
		const top = this.painter.rowTop(this.layout, this.layout.depth[node], this.below);
		const {scrollTop, clientHeight} = this.scroller;

		if (top < scrollTop)
			this.scroller.scrollTop = top;
		else if (top + FlamePainter.ROW > scrollTop + clientHeight)
			this.scroller.scrollTop = top + FlamePainter.ROW - clientHeight;
	}

	hover(node) {
		if (!this.layout || node === this.hovered)
			return;
		this.hovered = node;
		this.canvas.classList.toggle("flamegraph-hand", node !== null);
		this.describe(node ?? this.selected);
		this.repaint();
	}

	describe(node) {
		const [name, ...rest] = FlameWords.describe(this.layout, node);

		this.sayDetail(name, rest.join(" \u00b7 "));
	}

	sayDetail(name, text) {
		this.detailName.textContent = this.detailName.title = name;
		this.detailText.textContent = text;
	}

	nodeAt(event) {
		const edge = this.canvas.getBoundingClientRect();

		return this.painter.find(event.clientX - edge.left, event.clientY - edge.top);
	}

	onClick(event) {
		const node = this.layout ? this.nodeAt(event) : null;

		if (node === null)
			return;
		this.select(node);
		this.zoom(node);
	}
}
