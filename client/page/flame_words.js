/* SPDX-License-Identifier: MIT */
"use strict";

/* The texts of a flame graph: about one frame, about a search, and about the whole graph. */
const FlameWords = {
	KINDS: [["python", "Python (line below)"], ["native", "native (plain)"],
		["kernel", "kernel (slanted)"], ["mark", "callers are missing (crossed)"]],
	CHANGES: [["less3", "\u25bc less than half"], ["less2", "\u25bc by 20 to 50 %"], ["less1", "\u25bc less"],
		["same", "about the same (within 2 standard deviations)"],
		["more1", "\u25b2 more"], ["more2", "\u25b2 by 20 to 50 % of what it is now"],
		["more3", "\u25b2 more than twice"]],

	number(n) {
		return Math.round(n).toLocaleString("en");
	},

	count(n, noun) {
		return FlameWords.number(n) + " " + noun + (n === 1 ? "" : "s");
	},

	percent(part, all) {
		return all ? (100 * part / all).toFixed(2) + " %" : "-";
	},

	seconds(seconds) {
		return seconds >= 100 ? FlameWords.number(seconds) + " s"
			: seconds >= 0.1 ? seconds.toFixed(2) + " s" : (1000 * seconds).toFixed(1) + " ms";
	},

	time(usec) {
		const two = (n) => String(n).padStart(2, "0"), at = new Date(usec / 1000);

		return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
			`${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
	},

	/* Returns the name of the node, then the facts about it. */
	describe(layout, node) {
		const f = layout.functions[layout.fn[node]];
		const facts = f ? [f.kind === "mark" ? "callers are missing here" : f.kind] : [];

		if (f?.file)
			facts.push(f.file + (f.line ? ":" + f.line : ""));
		facts.push(...layout.diff ? FlameWords.rates(layout, node) : FlameWords.hits(layout, node));
		return [layout.name(node), ...facts];
	},

	hits(layout, node) {
		const {total, self} = layout, parent = layout.parent[node];
		const interval = layout.data.sides[0].interval_ns, hidden = layout.hidden(node);
		const facts = [`${FlameWords.count(total[node], "hit")}` +
			(interval ? `, about ${FlameWords.seconds(total[node] * interval / 1e9)} of CPU` : "")];

		facts.push(FlameWords.percent(total[node], total[0]) + " of all");
		if (parent > 0)
			facts.push(FlameWords.percent(total[node], total[parent]) + " of its caller");
		facts.push(`self ${FlameWords.number(self[node])} ` +
			`(${FlameWords.percent(self[node], total[0])})`);
		if (hidden > 0)
			facts.push(FlameWords.number(hidden) + " in frames too small to be here");
		return facts;
	},

	/* Returns the rates of both sides, and their difference. */
	rates(layout, node) {
		const {base, now, deviations} = layout.change(node);
		const text = (name, rate, side, hits) => `${name} ${FlameWords.percent(rate, 1)} of a CPU, ` +
			`${FlameWords.percent(rate, layout.rate(0, side))} of all, ${FlameWords.count(hits, "hit")}`;
		const by = base > 0 ? `${now > base ? "+" : ""}${(100 * (now / base - 1)).toFixed(1)} %`
			: now > 0 ? "new" : "nothing";

		return [text("with", now, 1, layout.total[node]), text("base", base, 0, layout.baseTotal[node]),
			(now > 0 ? by : base > 0 ? "gone" : by) + (Math.abs(deviations) < 2
				? ", within 2 standard deviations" : `, ${Math.abs(deviations).toFixed(1)} standard deviations`)];
	},

	found(result) {
		if (!result)
			return "";
		if (result.error)
			return result.error;
		return `${FlameWords.count(result.count, "function")}, ` +
			`${FlameWords.percent(result.share, 1)} of what is shown`;
	},

	side(side) {
		const parts = [FlameWords.number(side.hits) + " of " +
			FlameWords.count(side.samples, "sample")];

		if (side.since_usec && side.until_usec)
			parts.push(`${FlameWords.time(side.since_usec)} to ${FlameWords.time(side.until_usec)}`);
		if (side.observed_usec)
			parts.push(FlameWords.seconds(side.observed_usec / 1e6) + " observed");
		if (side.interval_ns)
			parts.push("one each " + FlameWords.seconds(side.interval_ns / 1e9));
		return (side.name ? side.name + ": " : "") + parts.join("; ");
	},

	notes(layout) {
		const {data} = layout, left = data.left_out;
		const notes = data.sides.map((side, i) =>
			(layout.diff ? (i ? "with " : "base ") : "") + FlameWords.side(side));

		if (layout.diff)
			notes.push("Colours compare the counts of single frames (about the same: within 2 " +
				"standard deviations) and are no test of chance: that is the verdict of oxprofctl " +
				"diff's table.");
		if (data.filters)
			notes.push(data.filters);
		if (data.note)
			notes.push(data.note);
		if (data.restricted)
			notes.push("Only one's own processes are counted; those of others need authorisation.");
		if (data.without_kernel)
			notes.push("Kernel frames are left out.");
		if (left?.nodes > 0)
			notes.push(`${FlameWords.count(left.nodes, "frame")} of less than ${left.threshold} % ` +
				"of all hits left out (in the numbers of their callers they are); all of them: " +
				"--threshold=0");
		if (!(layout.weight[0] > 0))
			notes.unshift("There are no hits here.");
		return notes;
	},
};
