/* SPDX-License-Identifier: MIT */
/* The flame graph that is one HTML file, opened from a file as people do. */
import {execFileSync} from "node:child_process";
import {readFileSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {pathToFileURL} from "node:url";
import {assert, near, runTests, test, until} from "./harness.mjs";

const HOSTILE = `<script>alert(1)</script>&"`;
const SMALL = [
	[40, "py:main", "py:work", "inner"],
	[30, "py:main", "py:work", "py:other", "malloc"],
	[10, "py:main", "k:read", "k:vfs_read"],
	[5, "[cut]", "libc_read"],
	[7, "py:main", "py:" + HOSTILE],
	[8, "py:main"],
];
/* Functions go from 30 to 60 of 600, stay, go and come. */
const DIFF = [
	[300, 300, "main", "steady"],
	[150, 300, "main", "slower"],
	[120, 0, "main", "gone"],
	[0, 60, "main", "new"],
	[4, 5, "main", "rare"],
];
let files = 0;

/* A file of these stacks. */
function make(lines, {format = "html", threshold = 0.01, diff = false} = {}) {
	const file = join(tmpdir(), `flame${files++}.${format}`);
	const text = lines.map((line) => line.join("\t") + "\n").join("");

	writeFileSync(file, execFileSync(process.env.FLAME_MAKER,
		[format, String(threshold), ...(diff ? ["diff"] : [])],
		{input: text, maxBuffer: 1 << 30}));
	return file;
}

async function open(page, lines, options) {
	await page.goto(pathToFileURL(make(lines, options)).href);
	await until(page, () => document.getElementById("graph").flamegraph?.painter.boxes.length > 0);
}

/* What is drawn: {name, x, y, width, node, parent, self, total}; and how wide all is. */
function drawn(page) {
	return page.evaluate(() => {
		const {layout, painter} = document.getElementById("graph").flamegraph;

		return {
			width: painter.width,
			boxes: painter.boxes.map((box) => ({...box, name: layout.name(box.node),
				parent: layout.parent[box.node], self: layout.self[box.node],
				total: layout.total[box.node]})),
		};
	});
}

function find(boxes, name) {
	const found = boxes.filter((box) => box.name.startsWith(name));

	assert.equal(found.length, 1, `${found.length} boxes of ${name}`);
	return found[0];
}

/* Where to point at. */
async function middle(page, name) {
	const {boxes} = await drawn(page), box = find(boxes, name);
	const edge = await page.locator(".flamegraph-canvas").boundingBox();

	return [edge.x + box.x + box.width / 2, edge.y + box.y + 9];
}

async function clickBox(page, name) {
	await page.mouse.click(...await middle(page, name));
	await painted(page);
}

/* The frame after the next: what was asked for is drawn. */
async function painted(page) {
	await page.evaluate(() => new Promise((done) =>
		requestAnimationFrame(() => requestAnimationFrame(done))));
}

const detail = (page) => page.locator(".flamegraph-detail").innerText();
const found = (page) => page.locator(".flamegraph-found").innerText();

async function picture(page, name) {
	if (process.env.SHOTS)
		await page.screenshot({path: join(process.env.SHOTS, name + ".png")});
}

/* All widths are shares of all, and children lie within their parent without a gap. */
function checkWidths({width, boxes}) {
	const all = boxes.find((box) => box.node === 0), children = new Map();

	near(all.width, width, 0.5, "the root");
	for (const box of boxes) {
		near(box.width, width * box.total / all.total, 0.5, `${box.name} is its share`);
		if (box.node > 0)
			children.set(box.parent, [...children.get(box.parent) ?? [], box]);
	}
	for (const box of boxes) {
		const below = children.get(box.node) ?? [];
		const sum = below.reduce((total, child) => total + child.width, 0);

		near(sum + width * box.self / all.total, box.width, 1, `children and self of ${box.name}`);
		let edge = box.x;
		for (const child of below) {
			near(child.x, edge, 0.5, `${child.name} begins where the one before it ends`);
			edge = child.x + child.width;
		}
		assert.ok(edge <= box.x + box.width + 0.5, `${box.name} holds its children`);
	}
}

test("widths_add_up", async (page) => {
	await open(page, SMALL);
	const all = await drawn(page);

	assert.equal(all.boxes.length, 11);
	checkWidths(all);
	near(find(all.boxes, "work").width, all.width * 0.7, 0.5, "work");
	await page.setViewportSize({width: 700, height: 500});
	await until(page, (width) => {
		const {painter} = document.getElementById("graph").flamegraph;
		return painter.width < width - 300;
	}, all.width);
	checkWidths(await drawn(page));
});

test("what_is_drawn_is_where_it_says", async (page) => {
	await open(page, SMALL);
	const {boxes} = await drawn(page);
	const colours = await page.evaluate((points) => {
		const canvas = document.querySelector(".flamegraph-canvas");
		const context = canvas.getContext("2d");

		return points.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
	}, ["inner", "malloc", "work", "all"].flatMap((name) => {
		const box = find(boxes, name), y = Math.round(box.y + 2);

		/* Beside the text, which begins a little further right. */
		return [[Math.round(box.x + box.width - 6), y], [Math.round(box.x + 2), y]];
	}));

	const native = [0xf0, 0xb7, 0x3f, 255], python = [0x62, 0xb8, 0xea, 255];

	assert.deepEqual(colours.slice(0, 6), [native, native, native, native, python, python]);
	assert.deepEqual(colours[6], [0xdf, 0xe2, 0xe5, 255]);
}, {expected: /willReadFrequently/});

test("search_marks_and_says_the_share", async (page) => {
	await open(page, SMALL);
	await page.keyboard.press("/");
	await page.keyboard.type("read");
	/* [cut] > libc_read, and read > vfs_read, which counts once: 15 of 100. */
	assert.equal(await found(page), "3 functions, 15.00 % of what is shown");
	const marks = await page.evaluate(() => {
		const {layout, result} = document.getElementById("graph").flamegraph;
		return result.nodes.map((node) => layout.name(node)).sort();
	});

	assert.deepEqual(marks, ["libc_read(app)", "read(kernel)", "vfs_read(kernel)"]);
	await painted(page);
	await picture(page, "search");
	await page.keyboard.press("Enter");
	assert.match(await detail(page), /^libc_read\(app\)/);
	await page.locator(".flamegraph-search").fill("work|inner");
	assert.equal(await found(page), "2 functions, 70.00 % of what is shown");
	/* A hit counts once, also where another one is between two that match. */
	await page.locator(".flamegraph-search").fill("main|malloc");
	assert.equal(await found(page), "2 functions, 95.00 % of what is shown");
	await page.locator(".flamegraph-search").fill("(");
	assert.match(await found(page), /[Ii]nvalid regular expression/);
	await page.locator(".flamegraph-search").press("Escape");
	assert.equal(await found(page), "");
	await page.keyboard.press("Control+f");
	assert.ok(await page.evaluate(() => document.activeElement.type === "search"));
	assert.deepEqual(await page.evaluate(() =>
		document.getElementById("graph").flamegraph.search("^inner")),
		{share: 0.4, count: 1, error: ""});
});

test("zoom_by_click_and_out_again", async (page) => {
	await open(page, SMALL);
	const before = await drawn(page);

	await clickBox(page, "work");
	const inside = await drawn(page);
	for (const name of ["all", "main", "work"])
		near(find(inside.boxes, name).width, inside.width, 0.5, name + " is as wide as all");
	near(find(inside.boxes, "inner").width, inside.width * 4 / 7, 0.5, "inner");
	assert.ok(!inside.boxes.some((box) => box.name.startsWith("[cut]")));
	await clickBox(page, "other");
	near(find((await drawn(page)).boxes, "malloc").width, inside.width, 0.5, "malloc");
	await page.getByRole("button", {name: "Zoom out"}).click();
	await painted(page);
	assert.deepEqual((await drawn(page)).boxes, inside.boxes);
	await page.locator(".flamegraph-scroll").focus();
	await page.keyboard.press("Escape");
	await painted(page);
	assert.deepEqual((await drawn(page)).boxes, before.boxes);
	assert.ok(await page.getByRole("button", {name: "Zoom out"}).isDisabled());
});

test("the_keyboard_alone_does_it", async (page) => {
	await open(page, SMALL);
	await page.locator(".flamegraph-scroll").focus();
	await page.keyboard.press("ArrowDown");
	assert.match(await detail(page), /^main\(app\.py\)/);
	await page.keyboard.press("ArrowLeft");
	assert.match(await detail(page), /^\[cut\]/);
	await page.keyboard.press("ArrowRight");
	await page.keyboard.press("ArrowDown");
	assert.match(await detail(page), /^work\(app\.py\)/);
	await page.keyboard.press("Enter");
	await painted(page);
	const {boxes, width} = await drawn(page);
	near(find(boxes, "work").width, width, 0.5, "work");
	assert.match(await page.locator(".flamegraph-spoken").innerText(), /^work\(app\.py\), python/);
	await page.keyboard.press("ArrowUp");
	assert.match(await detail(page), /^main/);
	await page.keyboard.press("Backspace");
	await painted(page);
	assert.equal((await drawn(page)).boxes.length, 11);
	await page.keyboard.press("Home");
	assert.match(await detail(page), /^all/);
});

test("hover_tells", async (page) => {
	await open(page, SMALL);
	await page.mouse.move(...await middle(page, "other"));
	const text = await detail(page);

	assert.match(text, /^other\(app\.py\)\npython · \/srv\/app:\d+ · 30 hits, about 0\.30 s of CPU/);
	assert.match(text, /30\.00 % of all · 42\.86 % of its caller · self 0 \(0\.00 %\)/);
	await page.mouse.move(5, 5);
	assert.match(await detail(page), /^all/);
	assert.match(await page.locator(".flamegraph-notes").innerText(), /100 of 100 samples/);
});

test("hostile_names_are_text", async (page) => {
	const names = [HOSTILE, `</script><script>alert(2)</script>`, `<!--<script>`, `]]>`, `</script x`,
		`"><img src=x onerror=alert(3)>`, `\u2028\u202eevil`, "@data@", `\\u003cb\\u003e`, "x".repeat(3000)];

	await open(page, names.map((name) => [10, "py:main", "py:" + name]));
	const shown = await page.evaluate(() =>
		document.getElementById("graph").flamegraph.layout.functions.map((f) => f.function));

	for (const name of names)
		assert.ok(shown.includes(name.replace(/[\u2028\u202e]/g, "\ufffd")), name);
	await page.mouse.move(...await middle(page, HOSTILE));
	assert.equal((await detail(page)).split("\n")[0], HOSTILE + "(app.py)");
	assert.equal(await page.title(), `Made <for> tests & "such"`);
	assert.match(await page.locator(".flamegraph-notes").innerText(), /filter <b>/);
	/* Its own scripts and no others; nothing was made of the names. */
	assert.equal(await page.locator("script").count(), 7);
	assert.equal(await page.locator("img, b").count(), 0);
	await painted(page);
	await picture(page, "hostile");
});

test("only_its_own_scripts_may_run", async (page) => {
	await open(page, SMALL);
	const violated = await page.evaluate(() => new Promise((done) => {
		const script = document.createElement("script");

		document.addEventListener("securitypolicyviolation",
			(event) => done([event.effectiveDirective, window.ran ?? false]));
		script.textContent = "window.ran = true";
		document.body.append(script);
		setTimeout(() => done(["nothing", window.ran]), 60000);
	})).catch((error) => [String(error)]);

	assert.deepEqual(violated, ["script-src-elem", false]);
}, {expected: /Content Security Policy/});

test("eighty_thousand_frames", async (page) => {
	const lines = [];
	let seed = 7;
	const random = (n) => (seed = (seed * 48271) % 2147483647) % n; /* Park and Miller */

	for (let i = 0; i < 16000; i++) {
		const stack = ["main", "loop" + random(4)];
		for (let depth = 6 + random(40); depth > 0; depth--)
			stack.push(`function_${random(5)}_${depth}`);
		lines.push([1 + random(9), ...stack]);
	}
	await open(page, lines, {threshold: 0});
	const nodes = await page.evaluate(() =>
		document.getElementById("graph").flamegraph.layout.count);
	assert.ok(nodes > 80000, `${nodes} nodes`);
	const times = await page.evaluate(() => {
		const graph = document.getElementById("graph").flamegraph, began = performance.now();
		for (let i = 0; i < 20; i++)
			graph.paint();
		return {paint: (performance.now() - began) / 20, boxes: graph.painter.boxes.length,
			narrow: graph.painter.narrow};
	});
	console.log(`# ${nodes} nodes: ${times.paint.toFixed(1)} ms to draw ${times.boxes} boxes`);
	assert.ok(times.boxes > 500 && times.boxes < 20000 && times.narrow > 0);
	assert.match(await page.locator(".flamegraph-notes").innerText(), /too narrow to be told apart/);
	await picture(page, "large");
	await page.locator(".flamegraph-scroll").focus();
	for (let i = 0; i < 20; i++)
		await page.keyboard.press("ArrowDown");
	await page.keyboard.press("Enter");
	await painted(page);
	await picture(page, "large-zoomed");
	assert.notEqual((await drawn(page)).boxes.length, times.boxes);
});

test("what_is_left_out_is_said", async (page) => {
	await open(page, [[9990, "main", "big"], [6, "main", "small"], [4, "main", "small", "tiny"]],
		{threshold: 0.05});
	assert.match(await page.locator(".flamegraph-notes").innerText(),
		/1 frame of less than 0\.05 % of all hits left out .*--threshold=0/);
	const {boxes, width} = await drawn(page);
	near(find(boxes, "main").width, width, 0.5, "main");
	await page.locator(".flamegraph-scroll").focus();
	for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"])
		await page.keyboard.press(key);
	assert.match(await detail(page), /^small[^]*10 hits[^]*self 6 [^]*4 in frames too small/);
});

test("a_deep_stack_can_be_scrolled", async (page) => {
	const deep = Array.from({length: 400}, (_, i) => "f" + i);

	await open(page, [[10, ...deep]]);
	await page.locator(".flamegraph-scroll").evaluate((e) => e.scrollTo(0, e.scrollHeight));
	await painted(page);
	assert.ok((await drawn(page)).boxes.some((box) => box.name === "f399(app)"));
	await page.mouse.click(...await middle(page, "f399"));
	assert.match(await detail(page), /^f399/);
	await page.getByRole("button", {name: "Root below"}).click();
	await painted(page);
	const {boxes} = await drawn(page);
	assert.ok(find(boxes, "all").y > find(boxes, "f0(").y);
	await picture(page, "below");
});

test("two_profiles", async (page) => {
	await open(page, DIFF, {diff: true});
	const {boxes, width} = await drawn(page);

	near(find(boxes, "slower").width, width * 300 / 665, 0.5, "slower");
	assert.ok(!boxes.some((box) => box.name.startsWith("gone")));
	const steps = () => page.evaluate(() => {
		const {layout} = document.getElementById("graph").flamegraph;
		return Object.fromEntries(Array.from({length: layout.count}, (_, i) =>
			[layout.name(i).replace(/\(.*/, ""), layout.change(i).step]));
	});
	assert.deepEqual(await steps(), {all: 1, main: 1, gone: -3, new: 3, rare: 0, slower: 2,
		steady: 0});
	await page.mouse.move(...await middle(page, "slower"));
	assert.match(await detail(page), /with 5\.00 % of a CPU, 45\.11 % of all, 300 hits/);
	assert.match(await detail(page), /base 2\.50 % of a CPU, 26\.13 % of all, 150 hits/);
	assert.match(await detail(page), /\+100\.0 %, 7\.1 standard deviations/);
	/* Colours are no verdict, and nothing of them reads like one. */
	const said = await page.locator(".flamegraph-legend, .flamegraph-notes").allInnerTexts();
	assert.match(said.join(), /no test of chance/);
	assert.doesNotMatch(said.join(), /can be chance/);
	await page.mouse.move(...await middle(page, "steady"));
	assert.match(await detail(page), /0\.0 %, within 2 standard deviations/);
	await picture(page, "diff");
	await page.locator(".flamegraph-side").selectOption("both");
	await painted(page);
	const both = await drawn(page);
	near(find(both.boxes, "gone").width, both.width * 120 / 1239, 0.5, "gone");
	await page.mouse.move(...await middle(page, "gone"));
	assert.match(await detail(page), /· gone,/);
	await page.locator(".flamegraph-side").selectOption("base");
	await painted(page);
	assert.ok(!(await drawn(page)).boxes.some((box) => box.name.startsWith("new")));
});

test("nothing_is_said_too", async (page) => {
	await page.goto(pathToFileURL(make([])).href);
	assert.match(await page.locator(".flamegraph-notes").innerText(), /There are no hits here/);
});

test("data_that_are_not_whole_are_refused", async (page) => {
	await open(page, SMALL);
	const told = await page.evaluate(() => {
		const graph = document.getElementById("graph").flamegraph;
		const data = structuredClone(graph.layout.data);

		return [() => ({version: 2}), () => null,
			() => (data.nodes.parent[3] = 7, data)].map((spoil) => {
			graph.load(spoil());
			return document.querySelector(".flamegraph-name").textContent;
		});
	});

	assert.deepEqual(told, ["these data are of another version of oxprof",
		"these data are of another version of oxprof", "these data are not whole: node 3"]);
});

/* As what came through a pipe before something failed. */
test("a_page_without_an_end_says_so", async (page) => {
	const file = make(SMALL), whole = readFileSync(file, "utf8"), data = `id="data">`;
	const graph = page.locator("#graph");

	for (const end of [whole.indexOf(data) + data.length, whole.indexOf(`"nodes"`)]) {
		writeFileSync(file, whole.slice(0, end));
		await page.goto(pathToFileURL(file).href);
		assert.match(await graph.innerText(), /appears when all of this page is there/);
	}
	writeFileSync(file, whole);
	await page.goto(pathToFileURL(file).href);
	assert.doesNotMatch(await graph.innerText(), /appears when/);
});

test("the_instance_can_be_ended", async (page) => {
	await open(page, SMALL);
	assert.equal(await page.evaluate(() => {
		const host = document.getElementById("graph"), zooms = [], graph = host.flamegraph;
		const data = graph.layout.data;

		graph.destroy();
		const other = new Flamegraph(host, null, {onzoom: (node) => zooms.push(node)});
		other.load(data);
		other.zoom(3);
		other.out();
		other.destroy();
		return zooms.join() + host.childNodes.length + host.className;
	}), "0,3,00");
});

test("dark", async (page) => {
	await open(page, SMALL);
	assert.match(await page.evaluate(() =>
		getComputedStyle(document.body).backgroundColor), /rgb\(22, 25, 28\)/);
	await picture(page, "dark");
	await page.emulateMedia({colorScheme: "light"});
	await painted(page);
	assert.equal(await page.evaluate(() =>
		document.getElementById("graph").flamegraph.painter.colours.python), "#62b8ea");
	await picture(page, "light");
	await page.emulateMedia({media: "print", colorScheme: "dark"});
	await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
	await painted(page);
	await picture(page, "print");
	await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
}, {colorScheme: "dark"});

test("the_picture_is_one", async (page) => {
	await page.goto(pathToFileURL(make([...SMALL, [9, `py:${"long_".repeat(100)}`, "\ufffe\u0007x"]],
		{format: "svg"})).href);
	const titles = await page.evaluate(() => [...document.querySelectorAll("title")]
		.map((title) => title.textContent));
	const widths = await page.evaluate(() => Object.fromEntries(
		[...document.querySelectorAll("g")].map((g) => [g.querySelector("title").textContent,
			g.querySelector("rect").getBoundingClientRect().width])));
	const width = (name) => Object.entries(widths).find(([title]) => title.startsWith(name))[1];

	assert.equal(await page.evaluate(() => document.documentElement.tagName), "svg");
	assert.ok(titles.some((title) => title.startsWith(HOSTILE + "(app.py)\n7 hits")), String(titles));
	near(width("work"), width("all") * 70 / 109, 1, "work");
	assert.equal(await page.locator("script").count(), 0);
	assert.match(await page.evaluate(() => document.documentElement.textContent), /109 of 109 samples/);
	await picture(page, "picture");
	await page.goto(pathToFileURL(make(DIFF, {format: "svg", diff: true})).href);
	assert.equal(await page.locator("rect.more2").count(), 1);
	await picture(page, "picture-diff");
});

await runTests({pattern: process.argv[2]});
