/* SPDX-License-Identifier: MIT */
/*
 * What the tests in a browser stand on: Debian's chromium, driven by playwright-core, which the
 * caller has put into the directory $OXTEST_NPM. A test is test("name", async (page) => ...): it gets
 * an empty page of a browser without a past, and fails with the first thing that throws, with a
 * dialog, an error in the console, or a request that the script did not allow.
 */
import assert from "node:assert/strict";
import {mkdtempSync, rmSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";

const {chromium} = createRequire(join(process.env.OXTEST_NPM, "package.json"))("playwright-core");
const tests = [];

/* How long anything that has to happen is waited for. Nothing takes so long that works: this ends a test
 * that hangs, and says nothing of how soon it should have been. */
export const WAIT_MSEC = 180000;

export {assert};

/* options: of the browser's context; expected: what may be complained of all the same. */
export function test(name, run, options = {}) {
	tests.push({name, run, options});
}

/* Near enough for widths: within so many pixels. */
export function near(actual, wanted, tolerance, what) {
	assert.ok(Math.abs(actual - wanted) <= tolerance, `${what}: ${actual}, not ${wanted}`);
}

/* Until it is true: what a page does at its own time. */
export async function until(page, condition, argument) {
	await page.waitForFunction(condition, argument);
}

export async function launch(options = {}) {
	const home = mkdtempSync(join(tmpdir(), "oxbrowser."));
	const context = await chromium.launchPersistentContext(home, {
		executablePath: "/usr/bin/chromium",
		headless: true,
		args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync"],
		viewport: {width: 1200, height: 800},
		timeout: WAIT_MSEC,
		...options,
	});

	context.setDefaultTimeout(WAIT_MSEC);
	return {
		context,
		async close() {
			await context.close();
			rmSync(home, {recursive: true, force: true});
		},
	};
}

/* What no page may do, as sentences. allow: whether it may ask for that address. */
export function watch(page, allow) {
	const complaints = [];

	page.on("dialog", async (dialog) => {
		complaints.push(`a dialog: ${dialog.message()}`);
		await dialog.dismiss();
	});
	page.on("pageerror", (error) => complaints.push(`an error: ${error.stack ?? error}`));
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type()))
			complaints.push(`the console: ${message.text()}`);
	});
	page.on("request", (request) => {
		if (!allow(request.url()))
			complaints.push(`a request for ${request.url()}`);
	});
	return complaints;
}

/* What somebody who looks at the page would see of it. */
async function describePage(page) {
	const lines = await page.evaluate(() => document.body.innerText.split("\n").slice(0, 400))
		.catch((error) => [String(error)]);

	return lines.map((line) => `# page: ${line}`).join("\n");
}

async function attempt({run, options: {expected, ...options}}, allow) {
	const browser = await launch(options);

	try {
		const page = browser.context.pages()[0] ?? await browser.context.newPage();
		const complaints = watch(page, allow);

		try {
			await run(page);
		} catch (error) {
			console.log(await describePage(page));
			throw error;
		}
		assert.deepEqual(complaints.filter((text) => !expected?.test(text)), []);
	} finally {
		await browser.close();
	}
}

/* TAP; the last line is "N passed, N failed". pattern: over the names. */
export async function runTests({pattern = ".", allow = (url) => url.startsWith("file:")} = {}) {
	const chosen = tests.filter(({name}) => new RegExp(pattern).test(name));
	let failed = 0, n = 0;

	for (const one of chosen) {
		const began = Date.now();

		try {
			await attempt(one, allow);
			console.log(`ok ${++n} - ${one.name} (${Date.now() - began} ms)`);
		} catch (error) {
			failed++;
			console.log(`not ok ${++n} - ${one.name}`);
			console.log(String(error.stack ?? error).replace(/^/gm, "# "));
		}
	}
	console.log(`1..${n}`);
	console.log(`${n - failed} passed, ${failed} failed`);
	process.exitCode = failed > 0 ? 1 : 0;
}
