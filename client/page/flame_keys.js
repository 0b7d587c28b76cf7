/* SPDX-License-Identifier: MIT */
"use strict";

/*
 * The keys of a flame graph (flamegraph.js): they go from frame to frame while the graph has the
 * focus, and from match to match in its search, and they begin a search.
 */
class FlameKeys {
	constructor(graph) {
		this.graph = graph;
	}

	/* Listens to events through on(target, type, action). */
	listen(on) {
		const {graph} = this;

		on(graph.input, "keydown", (event) => this.onSearch(event));
		on(graph.scroller, "keydown", (event) => this.onGraph(event));
		on(graph.options.page ? document : graph.host, "keydown", (event) => this.onPage(event));
	}

	onGraph(event) {
		const action = event.ctrlKey || event.altKey || event.metaKey || !this.graph.layout ? null
			: this.actionOf(event.key);

		if (!action)
			return;
		event.preventDefault();
		action();
	}

	actionOf(key) {
		const {graph} = this, {layout, selected} = graph;
		const toLeaf = graph.below ? "ArrowUp" : "ArrowDown";
		const go = (node) => node >= 0 && graph.isInView(node) && graph.select(node);

		switch (key) {
		case "ArrowUp":
		case "ArrowDown":
			return () => go(key === toLeaf ? layout.widestChild(selected) : layout.parent[selected]);
		case "ArrowLeft":
			return () => go(this.beside(layout.previous));
		case "ArrowRight":
			return () => go(this.beside(layout.next));
		case "Home":
			return () => go(0);
		case "Enter":
		case " ":
			return () => graph.zoom(selected);
		case "Escape":
		case "Backspace":
			return () => graph.out();
		case "n":
			return () => graph.selectMatch(1);
		case "N":
			return () => graph.selectMatch(-1);
		default:
			return null;
		}
	}

	/* Returns the next node along the links that has a width, or -1. */
	beside(links) {
		let node = links[this.graph.selected];

		while (node >= 0 && !(this.graph.layout.weight[node] > 0))
			node = links[node];
		return node;
	}

	onSearch(event) {
		const {graph} = this;

		if (event.key === "Enter")
			graph.selectMatch(event.shiftKey ? -1 : 1);
		else if (event.key === "Escape") {
			graph.search("");
			graph.scroller.focus();
		} else
			return;
		event.preventDefault();
	}

	onPage(event) {
		const typing = event.target.matches?.("input, textarea, select");
		const find = (event.ctrlKey || event.metaKey) && event.key === "f";

		if (!find && (event.key !== "/" || typing))
			return;
		event.preventDefault();
		this.graph.input.focus();
		this.graph.input.select();
	}
}
