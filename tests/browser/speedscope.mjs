/* SPDX-License-Identifier: MIT */
/*
 * What speedscope makes of a file: node speedscope.mjs FILE prints {"NAME": [SELF, TOTAL], ...} as its
 * sandwich view lists them. Its importer is published only within its page, so that is opened, in a
 * browser that is given nothing but files. speedscope and playwright-core are in $OXTEST_NPM.
 */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {basename, join} from "node:path";

import {assert, launch, watch} from "./harness.mjs";

const APP = join(process.env.OXTEST_NPM, "node_modules/speedscope/dist/release/index.html");

/* The page takes a profile from a script that it is told the path of. */
function makeScript(directory, file) {
	const script = join(directory, "profile.js");
	const content = readFileSync(file).toString("base64");
	const name = JSON.stringify(basename(file));

	writeFileSync(script, `speedscope.loadFileFromBase64(${name}, "${content}");`);
	return script;
}

/* "1,234 (56%)" */
function readHits(text) {
	return Number(text.replace(/ \(.*\)$/, "").replaceAll(",", ""));
}

async function readRows(page) {
	await page.waitForSelector("table tr td:nth-child(3)");
	const rows = await page.$$eval("table tr", (list) => list.map((row) =>
		[...row.querySelectorAll("td")].map((cell) => cell.textContent)));
	const functions = {};

	for (const [total, self, name] of rows.filter((row) => row.length >= 3)) {
		functions[name] ??= [0, 0];
		functions[name][0] += readHits(self);
		functions[name][1] += readHits(total);
	}
	return functions;
}

const work = mkdtempSync(join(tmpdir(), "oxscope."));
/* It draws with WebGL; and what is out of sight is not in its list, so nothing is. */
const browser = await launch({
	viewport: {width: 2000, height: 16000},
	args: ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
		"--no-first-run", "--disable-background-networking", "--disable-component-update"],
});

try {
	const page = browser.context.pages()[0] ?? await browser.context.newPage();
	const complaints = watch(page, (url) => /^(file|data|blob):/.test(url));
	const script = encodeURIComponent(makeScript(work, process.argv[2]).slice(1));

	await page.goto(`file://${APP}#view=sandwich&localProfilePath=${script}`);
	console.log(JSON.stringify(await readRows(page)));
	assert.deepEqual(complaints, []);
} finally {
	await browser.close();
	rmSync(work, {recursive: true, force: true});
}
