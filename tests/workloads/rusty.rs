// SPDX-License-Identifier: MIT
//! rusty [SECONDS]: closures and iterators below exactly 30 frames of descend(), and a panic that is
//! caught, now and then. Until it has used so many seconds of time.
use std::collections::HashMap;
use std::panic::{catch_unwind, set_hook};
use std::time::{Duration, Instant};

/// Not known to the compiler: nothing is folded, no frame falls away.
#[inline(never)]
fn opaque<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

#[inline(never)]
fn count_words(seed: u64) -> u64 {
    let mut counts: HashMap<String, u64> = HashMap::new();
    (0..300u64)
        .map(|i| format!("word{}", (i * seed) % 97))
        .for_each(|word| *counts.entry(word).or_insert(0) += 1);
    counts.values().copied().filter(|n| n % 2 == 1).sum()
}

#[inline(never)]
fn sort_numbers(seed: u64) -> u64 {
    let mut value = seed | 1;
    let mut numbers: Vec<u64> = (0..5000)
        .map(|_| {
            value = value.wrapping_mul(6364136223846793005).wrapping_add(1);
            value >> 32
        })
        .collect();
    numbers.sort_by(|a, b| (b ^ 0x5555).cmp(&(a ^ 0x5555)));
    numbers[0]
}

#[inline(never)]
fn bottom(seed: u64) -> u64 {
    let mut sum = seed;
    for i in 0..20u64 {
        sum = sum.wrapping_add(sort_numbers(opaque(seed + i)));
        sum = sum.wrapping_add(count_words(opaque(seed + i)));
    }
    sum
}

#[inline(never)]
fn descend(depth: u32, seed: u64) -> u64 {
    let below = if depth > 1 {
        descend(opaque(depth - 1), seed)
    } else {
        bottom(seed)
    };
    opaque(below).wrapping_add(1)
}

#[inline(never)]
fn fail(depth: u32) -> u32 {
    if opaque(depth) == 0 {
        panic!("caught");
    }
    opaque(fail(depth - 1)) + 1
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0.0);
    let end = Duration::from_secs_f64(if seconds > 0.0 { seconds } else { 1e9 });
    let start = Instant::now();
    let mut sum = 1;

    set_hook(Box::new(|_| {}));
    println!("ready");
    while start.elapsed() < end {
        sum = descend(30, opaque(sum));
        // Few: a stack that is taken while the registers for the catch are put in place cannot be
        // followed, by nobody.
        for _ in 0..2 {
            assert!(catch_unwind(|| fail(10)).is_err());
        }
    }
}
