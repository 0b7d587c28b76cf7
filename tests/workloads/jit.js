// SPDX-License-Identifier: MIT
// jit.js [SECONDS]: closures that become hot and are optimised. Which one calls which is drawn, so
// that none is inlined into another: 40 of them stand on the stack, all named descend. At the bottom
// time is spent in a loop, in builtins and in regular expressions.
"use strict";

const depth = 40;
const endMs = process.argv[2] > 0 ? process.argv[2] * 1000 : Infinity;
let sink = 0;

function bottom() {
	let value = sink | 1;
	for (let i = 0; i < 300000; i++)
		value = (Math.imul(value, 1664525) + 1013904223) | 0;
	const numbers = [];
	for (let i = 0; i < 2000; i++)
		numbers.push((value = (Math.imul(value, 1664525) + 1013904223) | 0));
	numbers.sort((a, b) => a - b);
	const text = numbers.slice(0, 300).join(" ");
	sink += numbers[0] + text.replace(/(\d)(\d+)/g, "$2$1").split(/[ -]+/).length;
	return value;
}

let drawn = 1;

function draw() {
	drawn = (Math.imul(drawn, 1664525) + 1013904223) | 0;
	return drawn >>> 28;
}

// Each is compiled for itself.
function makeSteps(count) {
	const steps = [];
	for (let i = 0; i < count; i++)
		steps.push(new Function("steps", "draw", "bottom",
			`return function descend(depth) {
				const below = depth > 1 ? steps[draw()](depth - 1) : bottom();
				return (below + ${i}) | 0;
			}`)(steps, draw, bottom));
	return steps;
}

const steps = makeSteps(16);

function run() {
	for (let i = 0; i < 5; i++)
		sink += steps[draw()](depth);
	if (process.cpuUsage().user / 1000 < endMs)
		setImmediate(run);
}

console.log("ready");
run();
