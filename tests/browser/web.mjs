/* SPDX-License-Identifier: MIT */
/*
 * The page of `oxprofctl web` in a real browser. It is run by tests/system/case_web.sh, where there is
 * an oxprofd: $WEB_URL is the address that was printed, $WEB_SERVER the pid of who serves it, $WEB_OUT
 * the file in which it prints more of them, $WEB_PID a process that runs tests/workloads/markup.py.
 */
import {execFileSync} from "node:child_process";
import {readFileSync} from "node:fs";
import {WAIT_MSEC, assert, near, runTests, test, until} from "./harness.mjs";

const {WEB_URL, WEB_SERVER, WEB_OUT, WEB_PID, SHOTS} = process.env;
const ORIGIN = new URL(WEB_URL).origin;
const HOSTILE = `<script>alert(1)</script>&"`;

const oxprofctl = (...words) => execFileSync("oxprofctl", words, {encoding: "utf8"});
const status = () => JSON.parse(oxprofctl("status", "--json"));
const sleep = (msec) => new Promise((resolve) => setTimeout(resolve, msec));
const text = (page, selector) => page.locator(selector).innerText();
const names = (page) => page.locator("#functions td.name button").allInnerTexts();
const hits = (page) => page.evaluate(() => document.getElementById("flame").flamegraph.layout.weight[0]);
// The page shows all that is stored; a query without a window would be about the last session.
const records = (...words) => JSON.parse(oxprofctl("query", "--json", "--max=0", "--session=all", ...words)).records;

/* In how many windows of ten seconds there are samples. */
const windows = () => Number(execFileSync("sqlite3", ["-readonly", status().database_path,
	"SELECT count(DISTINCT time) FROM stacks"], {encoding: "utf8"}));

async function picture(page, name) {
	if (SHOTS)
		await page.screenshot({path: `${SHOTS}/web-${name}.png`, fullPage: true});
}

/* Until something outside of the page is so. */
async function eventually(condition, what) {
	const end = Date.now() + WAIT_MSEC;

	while (Date.now() < end) {
		if (condition())
			return;
		await sleep(100);
	}
	assert.fail(`never came true: ${what}`);
}

let used = false;

/* Each browser needs an address of its own. */
async function invitation() {
	const addresses = () => readFileSync(WEB_OUT, "utf8").trim().split("\n");
	if (!used) {
		used = true;
		return WEB_URL;
	}
	const before = addresses().length;
	process.kill(Number(WEB_SERVER), "SIGUSR1");
	await eventually(() => addresses().length > before, "another address");
	return addresses().at(-1);
}

async function open(page) {
	const url = await invitation();
	await page.goto(url);
	await until(page, () => document.getElementById("status").children.length > 0);
	return url;
}

/* Once all that was asked for is there. */
async function loaded(page) {
	await page.waitForLoadState("networkidle");
	await until(page, () => document.querySelectorAll("#functions tr").length > 0 &&
		document.getElementById("flame").flamegraph?.layout);
}

test("the_token_leaves_the_address_and_works_once", async (page) => {
	const url = await open(page);

	assert.equal(page.url(), `${ORIGIN}/`);
	assert.equal(await text(page, "#state-word"), "paused");
	await page.reload();
	await until(page, () => document.getElementById("status").children.length > 0);
	await page.goto("about:blank");
	await page.goto(url);
	await until(page, () => document.querySelector(".message.error"));
	assert.match(await text(page, ".message.error"), /used before/);
	assert.equal(await text(page, "#state-word"), "not connected");
	assert.equal(page.url(), `${ORIGIN}/`);
}, {expected: /403/});

test("without_an_address_it_says_what_to_do", async (page) => {
	await page.goto(`${ORIGIN}/`);
	await until(page, () => document.querySelector(".message"));
	assert.match(await text(page, ".message"), /address that oxprofctl web has printed/);
	assert.equal(await text(page, "#functions"), "");
});

/* The whole way, from nothing to a session that is over. */
test("unpause_set_interval_and_pause_do_so", async (page) => {
	await open(page);
	await until(page, () => !document.getElementById("timeline-none").hidden);
	await page.selectOption("#unpause-kind", "pid");
	await page.fill("#unpause-value", WEB_PID);
	await page.fill("#unpause-frequency", "499");
	await page.check("#unpause-children");
	await page.click("#unpause button[type=submit]");
	await eventually(() => status().state === "running", "running");
	await until(page, () => document.getElementById("state-word").textContent === "running");
	assert.equal(status().interval_ns, 2004008);
	assert.deepEqual(status().targets.map((t) => [t.target, t.children]), [[`pid:${WEB_PID}`, true]]);
	assert.equal(await text(page, "#targets .target"), `pid:${WEB_PID}`);
	assert.match(await text(page, "#messages"), /Profiling pid:/);
	await eventually(() => windows() >= 2, "samples in a second window");

	await page.fill("#interval-seconds", "0.004");
	await page.click("#interval button");
	await eventually(() => status().interval_ns === 4000000, "the interval");
	await until(page, () => document.getElementById("status").textContent.includes("4.00 ms wanted"));
	await eventually(() => status().samples > 50, "samples at that interval");
	await page.click("#pause");
	await eventually(() => status().state === "paused", "paused");
	await until(page, () => document.getElementById("state-word").textContent === "paused");
	assert.ok(await page.locator("#pause").isDisabled());
	await page.click("#resume");
	await eventually(() => status().state === "running", "running again");
	await eventually(() => status().samples > 50, "samples of another session");
	await page.click("#targets button");
	await eventually(() => status().state === "paused", "the target paused");
	await until(page, () => document.querySelectorAll("#history tr").length === 3);
	await loaded(page);
});

test("what_cannot_be_is_said", async (page) => {
	await open(page);
	await page.fill("#unpause-value", "4194304");
	await page.click("#unpause button[type=submit]");
	await until(page, () => document.querySelector(".message.error"));
	assert.match(await text(page, ".message.error"), /unpause: .*no process 4194304/);
	await page.fill("#interval-seconds", "11");
	await page.click("#interval button");
	await until(page, () => document.querySelector(".message.error")?.textContent.includes("0.0001 and 10"));
	await page.fill("#filter", "(");
	await page.click("#filters button");
	await until(page, () => document.getElementById("messages").textContent.includes("not a regular expression"));
	assert.equal(status().state, "paused");
	await page.fill("#filter", "");
	await page.click("#filters button");
	await until(page, () => !document.getElementById("messages").textContent.includes("not a regular expression"));
}, {expected: /400/});

test("functions_agree_with_query", async (page) => {
	await open(page);
	await loaded(page);
	await page.fill("#max", "7");
	await page.selectOption("#sort", "self");
	await until(page, () => document.querySelectorAll("#functions tr").length === 7);
	await page.fill("#filter", "^honest_");
	await page.click("#filters button");
	await until(page, () => document.querySelectorAll("#functions tr").length === 2);
	const wanted = records("--filter=^honest_", "--sort=self");
	const shown = await page.locator("#functions tr").evaluateAll((rows) => rows.map((row) => [
		row.querySelector("td.name button").textContent,
		Number(row.cells[0].textContent.replaceAll("\u202f", "")),
		Number(row.cells[2].textContent.replaceAll("\u202f", "")),
		row.querySelector(".kind").textContent]));
	assert.deepEqual(shown, wanted.map((r) => [r.name, r.self, r.total, r.kind]));
	const fills = await page.locator("#functions tr td:nth-child(4) .fill").evaluateAll((all) =>
		all.map((fill) => fill.getBoundingClientRect().width / fill.parentElement.clientWidth));
	fills.forEach((width, i) => near(width, wanted[i].total_share, 0.02, "a bar"));
	await page.fill("#filter", "");
	await page.selectOption("#by", "process");
	await until(page, () => document.getElementById("functions").textContent.includes("pid "));
});

test("hostile_names_are_text", async (page) => {
	await open(page);
	await loaded(page);
	await page.fill("#max", "100");
	await page.fill("#filter", "alert");
	await page.click("#filters button");
	await until(page, () => document.querySelectorAll("#functions tr").length === 3);
	const shown = await names(page);
	assert.ok(shown.includes(`${HOSTILE}(__main__)`), String(shown));
	assert.equal(await page.locator("#functions script, #functions img").count(), 0);
	assert.equal(await page.locator("img").count(), 0);
	await page.getByRole("button", {name: `${HOSTILE}(__main__)`}).click();
	await until(page, () => document.querySelector(".flamegraph-found").textContent !== "");
	assert.doesNotMatch(await text(page, ".flamegraph-found"), /no match|invalid/i);
	assert.equal(await page.evaluate(() => document.querySelectorAll("script").length), 6);
	await picture(page, "hostile");
});

test("the_brush_chooses_the_time", async (page) => {
	/* Windows are those of the clock, whatever sessions lie in them: some time has to pass. */
	oxprofctl("unpause", `--pid=${WEB_PID}`);
	await eventually(() => windows() >= 3, "samples in a third window");
	oxprofctl("pause");
	await open(page);
	await loaded(page);
	const all = await hits(page);
	const slots = await page.evaluate(async () => {
		const token = sessionStorage.getItem("oxprof-token");
		return (await fetch("/api/timeline", {headers: {"X-Oxprof-Token": token}})).json();
	});
	assert.equal(slots.hits.reduce((a, b) => a + b, 0), all);
	assert.ok(slots.hits.length >= 3, String(slots.hits));

	/* By keys: one slot after the other. */
	await page.locator("#timeline svg").focus();
	for (let i = 0; i < slots.hits.length; i++) {
		await page.keyboard.press("ArrowRight");
		await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n,
			slots.hits[i]);
	}
	assert.match(await text(page, "#brush-text"), /^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d, /);
	await page.keyboard.press("Home");
	await page.keyboard.press("Shift+ArrowRight");
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n,
		slots.hits[0] + slots.hits[1]);
	await picture(page, "brush");
	await page.keyboard.press("Escape");
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n, all);
	assert.ok(await page.locator("#brush-clear").isHidden());

	/* By the pointer. */
	const box = await page.locator("#timeline svg").boundingBox();
	const first = slots.start[0], scale = box.width / (slots.end.at(-1) - first);
	const middle = (i) => box.x + ((slots.start[i] + slots.end[i]) / 2 - first) * scale;
	await page.mouse.move(middle(0), box.y + 40);
	await page.mouse.down();
	await page.mouse.move(middle(1), box.y + 60, {steps: 5});
	await page.mouse.up();
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n,
		slots.hits[0] + slots.hits[1]);
	await until(page, () => document.getElementById("functions-note").textContent !== "");
	await page.click("#brush-clear");
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n, all);
});

test("a_session_is_chosen_in_the_history", async (page) => {
	const sessions = JSON.parse(oxprofctl("history", "--json")).sessions;
	const last = sessions.reduce((a, b) => (a.id > b.id ? a : b));

	await open(page);
	await loaded(page);
	assert.equal(await page.locator("#history tr").count(), sessions.length);
	await page.getByRole("button", {name: new RegExp(`^Session ${last.id},`)}).press("Enter");
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] === n,
		last.samples);
	assert.equal(await text(page, "#session-name"), `session ${last.id}`);
	assert.equal(await page.locator("#history tr.chosen").count(), 1);
	await page.click("#session-clear");
	await page.waitForFunction((n) => document.getElementById("flame").flamegraph.layout.weight[0] > n,
		last.samples);
	await page.locator("#history tr").last().click();
	await until(page, () => !document.getElementById("session-chip").hidden);
});

test("only_of_a_target_and_a_kind", async (page) => {
	await open(page);
	await loaded(page);
	await page.selectOption("#kinds", "python-only");
	/* A stack that ends early says so among the Python frames, too: "[no-table]". */
	await until(page, () => [...document.querySelectorAll("#functions tr")]
		.every((row) => /\tpython\t|\tnative\t\[[a-z-]+\]/.test(row.innerText)));
	await page.selectOption("#target-kind", "pid");
	await page.fill("#target-value", "1");
	await page.click("#filters button");
	await until(page, () => !document.getElementById("flame-none").hidden &&
		!document.getElementById("functions-none").hidden);
	await page.fill("#target-value", WEB_PID);
	await page.click("#filters button");
	await until(page, () => document.getElementById("flame-none").hidden);
});

/* A file of its own, that opens without the server. */
test("the_flame_graph_is_saved", async (page) => {
	await open(page);
	await loaded(page);
	const waiting = page.waitForEvent("download");
	await page.click("#flame-save");
	const file = await (await waiting).path();
	assert.match(readFileSync(file, "utf8"), /^<!DOCTYPE html>/);
});

/* Not what it was before: nobody knows. Then all of it again. */
test("a_daemon_that_goes_and_comes_again_is_told", async (page) => {
	await open(page);
	await loaded(page);
	execFileSync("systemctl", ["mask", "--runtime", "-q", "oxprofd"]);
	execFileSync("systemctl", ["stop", "oxprofd"]);
	try {
		await until(page, () => document.getElementById("state-word").textContent === "no answer");
		assert.match(await text(page, ".message.error"), /^status: .*oxprofd/);
		await page.click("#refresh");
		await until(page, () => document.getElementById("messages").textContent.includes("history: "));
	} finally {
		execFileSync("systemctl", ["unmask", "--runtime", "-q", "oxprofd"]);
		execFileSync("systemctl", ["start", "oxprofd"]);
	}
	await until(page, () => document.getElementById("state-word").textContent === "paused");
	await until(page, () => !document.querySelector(".message.error"));
}, {expected: /50[02]/});

/* A page of somebody else on this machine: its browser asks, and nothing happens. */
test("a_foreign_page_changes_nothing", async (page) => {
	await open(page);
	await page.goto("data:text/html,<p>foreign");
	await page.evaluate((origin) => Promise.allSettled([
		fetch(`${origin}/api/unpause`, {method: "POST", body: "{}", mode: "no-cors", credentials: "include"}),
		fetch(`${origin}/api/unpause`, {method: "POST", body: "{}", credentials: "include",
			headers: {"Content-Type": "application/json", "X-Oxprof-Token": "x"}}),
		fetch(`${origin}/api/status`, {credentials: "include"}),
	]), ORIGIN);
	assert.equal(status().state, "paused");
	/* Nor may it be shown inside of another page. */
	await page.setContent(`<iframe src="${ORIGIN}/"></iframe>`);
	assert.equal(await page.frames().at(-1).locator("#main").count(), 0);
}, {expected: /the console/});

for (const [name, width, colorScheme] of [["wide", 1600, "light"], ["narrow", 400, "light"],
	["dark", 1200, "dark"]])
	test(`it_fits_${name}`, async (page) => {
		await open(page);
		await loaded(page);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
		const small = await page.locator("button:visible, select:visible, input:visible").evaluateAll((all) =>
			all.filter((one) => !one.labels?.length && !one.textContent.trim() &&
				!one.getAttribute("aria-label")).map((one) => one.id || one.outerHTML));
		assert.deepEqual(small, [], "has no name");
		await picture(page, name);
	}, {viewport: {width, height: 900}, colorScheme});

await runTests({
	pattern: process.argv[2],
	allow: (url) => url.startsWith(`${ORIGIN}/`) || url.startsWith(`blob:${ORIGIN}/`) ||
		url.startsWith("data:"),
});
