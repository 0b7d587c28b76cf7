/* SPDX-License-Identifier: MIT */
"use strict";

/*
 * Draws the visible part of a layout on a canvas. Colours are custom properties of the page's style
 * (--flame-python ...); each kind has also a pattern of its own, so that nobody needs the colours.
 */
class FlamePainter {
	static ROW = 19; /* pixels */
	static FONT = "12px system-ui, sans-serif";
	static KINDS = ["python", "native", "kernel", "mark"];
	static CHANGES = {"-3": "less3", "-2": "less2", "-1": "less1", 0: "same",
		1: "more1", 2: "more2", 3: "more3"};

	constructor(canvas) {
		this.canvas = canvas;
		this.context = canvas.getContext("2d");
		this.advances = new Map(); /* of characters */
		this.boxes = [];           /* what was drawn: {node, x, y, width}, in pixels */
		this.narrow = 0;           /* nodes in view that are too narrow to be drawn alone */
		this.readColours();
	}

	/* Reads the colours of the page; the caller repeats this when the page has changed its style. */
	readColours() {
		const style = getComputedStyle(this.canvas);

		this.colours = {};
		for (const name of [...FlamePainter.KINDS, ...Object.values(FlamePainter.CHANGES),
			"all", "dust", "text", "edge", "match", "select", "paper"])
			this.colours[name] = style.getPropertyValue("--flame-" + name).trim();
	}

	/* Sets the size, in pixels of the page. */
	resize(width, height) {
		const ratio = window.devicePixelRatio || 1;

		this.width = width;
		this.height = height;
		this.canvas.width = Math.round(width * ratio);
		this.canvas.height = Math.round(height * ratio);
		this.canvas.style.width = width + "px";
		this.canvas.style.height = height + "px";
		this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
	}

	/* Returns where the row begins, from the top of the whole drawing. */
	rowTop(layout, row, below) {
		return (below ? layout.rows - 1 - row : row) * FlamePainter.ROW;
	}

	/*
	 * Paints the state: layout, from and to (weights at the left and right edge), scroll (pixels above
	 * the upper edge), below (whether the root is at the bottom), selected, hovered, marks (by
	 * function, or null).
	 */
	paint(state) {
		const {layout, scroll, below} = state;

		this.state = state;
		this.boxes = [];
		this.narrow = 0;
		this.context.clearRect(0, 0, this.width, this.height);
		this.context.font = FlamePainter.FONT;
		this.context.textBaseline = "middle";
		for (let row = 0; row < layout.rows; row++) {
			const y = this.rowTop(layout, row, below) - scroll;

			if (y + FlamePainter.ROW > 0 && y < this.height)
				this.paintRow(row, y);
		}
		this.outline(state.hovered, 1);
		this.outline(state.selected, 2);
	}

	paintRow(row, y) {
		const {layout, from, to} = this.state, end = layout.rowStart[row + 1];
		const scale = this.width / (to - from);

		for (let at = layout.findPlace(row, from); at < end;) {
			const node = layout.rowNodes[at];
			const left = Math.max(0, (layout.start[node] - from) * scale);
			const right = Math.min(this.width,
				(layout.start[node] + layout.weight[node] - from) * scale);

			if (layout.start[node] >= to)
				break;
			if (right - left >= 1) {
				this.paintBox(node, left, y, right - left);
				at++;
				continue;
			}
			/* Nodes that end within this pixel are drawn as one. */
			const behind = Math.min(end, Math.max(at + 1,
				layout.findPlace(row, layout.start[node] + 1 / scale)));
			this.narrow += behind - at;
			this.paintDust(left, y, layout.rowNodes[behind - 1]);
			at = behind;
		}
	}

	/* Fills the row from `left` to the end of the last of the narrow nodes. */
	paintDust(left, y, last) {
		const {layout, from, to} = this.state, scale = this.width / (to - from);
		const right = (layout.start[last] + layout.weight[last] - from) * scale;

		this.context.fillStyle = this.colours.dust;
		this.context.fillRect(left, y, right - left, FlamePainter.ROW - 1);
	}

	paintBox(node, x, y, width) {
		const {layout, marks} = this.state, context = this.context;
		const marked = marks && layout.fn[node] >= 0 && marks[layout.fn[node]];
		const gap = width > 4 ? 1 : 0, height = FlamePainter.ROW - 1;

		this.boxes.push({node, x, y, width});
		context.globalAlpha = marks && !marked ? 0.35 : 1;
		this.fill(this.look(node), x, y, width - gap, height);
		context.globalAlpha = 1;
		if (marked) {
			context.fillStyle = this.colours.match;
			context.fillRect(x, y, width - gap, 2);
			context.fillRect(x, y + height - 2, width - gap, 2);
		}
		if (width > 20)
			this.paintLabel(this.label(node), x + 4, y + height / 2, width - 8);
	}

	/* Returns the name of the node's colour and pattern. */
	look(node) {
		const {layout} = this.state;

		return layout.diff ? FlamePainter.CHANGES[layout.change(node).step] : layout.kind(node);
	}

	label(node) {
		const {layout} = this.state, step = layout.diff ? layout.change(node).step : 0;

		return (step > 0 ? "\u25b2 " : step < 0 ? "\u25bc " : "") + layout.name(node);
	}

	/* Fills a box. Python has a line below, the kernel slanted lines, a mark of missing callers crossed
	 * ones. */
	fill(look, x, y, width, height) {
		const context = this.context;

		context.fillStyle = this.colours[look] || this.colours.all;
		context.fillRect(x, y, width, height);
		context.fillStyle = context.strokeStyle = this.colours.edge;
		if (look === "python")
			context.fillRect(x, y + height - 2, width, 2);
		if ((look !== "kernel" && look !== "mark") || width < 3)
			return;
		context.save();
		context.beginPath();
		context.rect(x, y, width, height);
		context.clip();
		context.beginPath();
		for (let at = x - height; at < x + width; at += 8) {
			context.moveTo(at, y + height);
			context.lineTo(at + height, y);
			if (look === "mark") {
				context.moveTo(at, y);
				context.lineTo(at + height, y + height);
			}
		}
		context.stroke();
		context.restore();
	}

	advance(character) {
		let advance = this.advances.get(character);

		if (advance === undefined) {
			advance = this.context.measureText(character).width;
			this.advances.set(character, advance);
		}
		return advance;
	}

	/* Returns as much of the text as there is room for, or "" where that is less than three letters. */
	cut(text, width) {
		const room = width - this.advance("\u2026");
		let used = 0, fits = 0, at = 0;

		for (const character of text) {
			used += this.advance(character);
			if (used > width)
				return fits >= 3 ? text.slice(0, this.cutAt) + "\u2026" : "";
			at += character.length;
			if (used <= room) {
				fits++;
				this.cutAt = at;
			}
		}
		return text;
	}

	paintLabel(text, x, y, width) {
		const label = this.cut(text, width);

		if (!label)
			return;
		this.context.fillStyle = this.colours.text;
		this.context.fillText(label, x, y);
	}

	/* Draws a line around the node, also where it is too narrow to be drawn alone. */
	outline(node, thickness) {
		const {layout, from, to, scroll, below} = this.state, scale = this.width / (to - from);

		if (node === null || !(layout.weight[node] > 0))
			return;
		const left = Math.max(0, (layout.start[node] - from) * scale);
		const right = Math.min(this.width,
			(layout.start[node] + layout.weight[node] - from) * scale);
		if (right < 0 || left > this.width)
			return;
		this.context.strokeStyle = this.colours.select;
		this.context.lineWidth = thickness;
		this.context.strokeRect(left + thickness / 2,
			this.rowTop(layout, layout.depth[node], below) - scroll + thickness / 2,
			Math.max(2, right - left - 1 - thickness), FlamePainter.ROW - 1 - thickness);
		this.context.lineWidth = 1;
	}

	/* Returns the box that was drawn at the position, or null. */
	find(x, y) {
		for (const box of this.boxes)
			if (x >= box.x && x < box.x + box.width && y >= box.y &&
			    y < box.y + FlamePainter.ROW)
				return box.node;
		return null;
	}

	/* Draws only a box of that look on this canvas, for a legend. */
	paintSwatch(look) {
		this.resize(26, FlamePainter.ROW - 1);
		this.fill(look, 0, 0, 26, FlamePainter.ROW - 1);
	}
}
