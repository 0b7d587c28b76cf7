/* SPDX-License-Identifier: MIT */
"use strict";

/*
 * The data of a flame graph (client/flame/flame.h) as columns that can be drawn, searched and walked
 * through. The layout knows no page.
 *
 * A node's weight is its width: the hits of a profile or, in a diff, the seconds of CPU per second of
 * the side that is shown, or of both together. Children lie side by side from their parent's start on.
 */
class FlameLayout {
	/* Throws an Error with a message for people where the data is wrong. */
	constructor(data) {
		FlameLayout.check(data);
		this.data = data;
		this.functions = data.functions;
		this.count = data.nodes.parent.length;
		this.parent = Int32Array.from(data.nodes.parent, (p) => p ?? -1);
		this.fn = Int32Array.from(data.nodes.function, (f) => f ?? -1);
		this.self = Float64Array.from(data.nodes.self);
		this.total = Float64Array.from(data.nodes.total);
		this.diff = data.sides.length === 2;
		if (this.diff) {
			this.baseSelf = Float64Array.from(data.nodes.base_self);
			this.baseTotal = Float64Array.from(data.nodes.base_total);
		}
		this.linkNodes();
		this.gatherRows();
		this.sides = data.sides.map((side) => FlameLayout.secondsOfHit(side));
		this.show("with");
	}

	static check(data) {
		const nodes = data?.nodes, n = nodes?.parent?.length;

		if (data?.version !== 1)
			throw new Error("these data are of another version of oxprof");
		if (!n || !Array.isArray(data.functions) || !(data.sides?.length >= 1))
			throw new Error("these data are not whole");
		for (const name of ["function", "self", "total",
			...(data.sides.length === 2 ? ["base_self", "base_total"] : [])])
			if (nodes[name]?.length !== n)
				throw new Error("these data are not whole: " + name);
		for (let i = 1; i < n; i++)
			if (!(nodes.parent[i] < i) || !data.functions[nodes.function[i]])
				throw new Error("these data are not whole: node " + i);
	}

	/* Returns which part of a second of a side a hit stands for or, where that is unknown, which part
	 * of all hits of the side. */
	static secondsOfHit(side) {
		if (side.interval_ns && side.observed_usec)
			return side.interval_ns / (side.observed_usec * 1000);
		return 1 / Math.max(1, side.hits);
	}

	linkNodes() {
		const last = new Int32Array(this.count).fill(-1);

		this.depth = new Int32Array(this.count);
		this.child = new Int32Array(this.count).fill(-1);
		this.next = new Int32Array(this.count).fill(-1);
		this.previous = new Int32Array(this.count).fill(-1);
		for (let i = 1; i < this.count; i++) {
			const parent = this.parent[i];

			this.depth[i] = this.depth[parent] + 1;
			this.previous[i] = last[parent];
			if (last[parent] >= 0)
				this.next[last[parent]] = i;
			else
				this.child[parent] = i;
			last[parent] = i;
		}
	}

	/* Gathers the nodes of each depth from left to right, which is their order in the data. */
	gatherRows() {
		const first = [0];

		for (const depth of this.depth)
			first[depth + 1] = (first[depth + 1] ?? 0) + 1;
		for (let i = 1; i < first.length; i++)
			first[i] += first[i - 1];
		const at = Int32Array.from(first);
		this.rowStart = Int32Array.from(first);
		this.rowNodes = new Int32Array(this.count);
		for (let i = 0; i < this.count; i++)
			this.rowNodes[at[this.depth[i]]++] = i;
		this.rows = first.length - 1;
	}

	/* Chooses the side whose time is the width: "with", "base" or "both"; a single profile has one. */
	show(side) {
		const next = new Float64Array(this.count);

		this.weight = new Float64Array(this.count);
		this.start = new Float64Array(this.count);
		for (let i = 0; i < this.count; i++)
			this.weight[i] = !this.diff ? this.total[i]
				: (side === "base" ? 0 : this.rate(i, 1)) +
				  (side === "with" ? 0 : this.rate(i, 0));
		for (let i = 1; i < this.count; i++) {
			const parent = this.parent[i];

			this.start[i] = next[i] = next[parent];
			next[parent] += this.weight[i];
		}
		this.side = side;
	}

	name(node) {
		return this.fn[node] < 0 ? "all" : this.functions[this.fn[node]].name ?? "[unknown]";
	}

	kind(node) {
		return this.fn[node] < 0 ? "all" : this.functions[this.fn[node]].kind;
	}

	/* Returns the hits below the node in frames that were too small to be in the data. */
	hidden(node) {
		let hits = this.total[node] - this.self[node];

		for (let i = this.child[node]; i >= 0; i = this.next[i])
			hits -= this.total[i];
		return hits;
	}

	/* Finds the first place in the row whose node ends behind the position. */
	findPlace(row, position) {
		let low = this.rowStart[row], high = this.rowStart[row + 1];

		while (low < high) {
			const middle = (low + high) >> 1, node = this.rowNodes[middle];

			if (this.start[node] + this.weight[node] > position)
				high = middle;
			else
				low = middle + 1;
		}
		return low;
	}

	/* Returns the node's seconds of CPU per second of the side; side 0 is the base. */
	rate(node, side) {
		return (side || !this.diff ? this.total[node] : this.baseTotal[node]) * this.sides[side];
	}

	/*
	 * Returns how the second side differs: by is the difference as a part of the larger rate;
	 * deviations says how far apart the rates are, in standard deviations of two independent counts;
	 * step is -3 .. 3, and 0 below 2 deviations. This is no test as client/diff/compare.h is, since
	 * the samples of a program are not independent.
	 */
	change(node) {
		const base = this.rate(node, 0), now = this.rate(node, 1);
		const spread = Math.sqrt(base * this.sides[0] + now * this.sides[1]);
		const by = (now - base) / (Math.max(now, base) || 1);
		const deviations = spread ? (now - base) / spread : 0;
		const size = Math.abs(by) > 0.5 ? 3 : Math.abs(by) > 0.2 ? 2 : 1;

		return {base, now, by, deviations,
			step: Math.abs(deviations) < 2 ? 0 : Math.sign(by) * size};
	}

	/* Returns the child with the largest weight, or -1 where the node has no child. */
	widestChild(node) {
		let widest = -1;

		for (let i = this.child[node]; i >= 0; i = this.next[i])
			if (this.weight[i] > (widest < 0 ? 0 : this.weight[widest]))
				widest = i;
		return widest;
	}

	/*
	 * Marks the functions whose names match. Returns {marks (by function), count (of functions), share
	 * (of everything that is shown, each hit once), nodes}; {error} where the text is no regular
	 * expression; null for "".
	 */
	search(text) {
		let pattern;

		if (!text)
			return null;
		try {
			pattern = new RegExp(text);
		} catch (error) {
			return {error: String(error.message), count: 0, share: 0};
		}
		const marks = Uint8Array.from(this.functions, (f) => pattern.test(f.name ?? "") ? 1 : 0);
		return {marks, count: marks.reduce((sum, mark) => sum + mark, 0), ...this.sum(marks)};
	}

	/* Sums the marked nodes, except nodes below a marked one, whose weight has theirs already. */
	sum(marks) {
		const inside = new Uint8Array(this.count), nodes = [];
		let weight = 0;

		for (let i = 1; i < this.count; i++) {
			inside[i] = inside[this.parent[i]] || marks[this.fn[i]];
			if (marks[this.fn[i]] && this.weight[i] > 0)
				nodes.push(i);
			if (inside[i] && !inside[this.parent[i]])
				weight += this.weight[i];
		}
		return {share: this.weight[0] ? weight / this.weight[0] : 0, nodes};
	}
}
