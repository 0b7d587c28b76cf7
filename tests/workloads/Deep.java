// SPDX-License-Identifier: MIT
/*
 * Deep [SECONDS]: descend() stands on the stack exactly 30 times whenever bottom() does. To be run
 * with -XX:+PreserveFramePointer, and with -XX:CompileCommand=dontinline,Deep.* for the number.
 */
import java.util.Arrays;

public class Deep {
	static volatile long sink;

	static long bottom(long seed) {
		long value = seed | 1;
		for (int i = 0; i < 400000; i++)
			value = value * 6364136223846793005L + 1442695040888963407L;
		long[] numbers = new long[2000];
		for (int i = 0; i < numbers.length; i++)
			numbers[i] = value = value * 6364136223846793005L + 1;
		Arrays.sort(numbers);
		return value + numbers[0] + Long.toString(value).hashCode();
	}

	static long descend(int depth, long seed) {
		long below = depth > 1 ? descend(depth - 1, seed) : bottom(seed);
		sink = below;
		return below + 1;
	}

	public static void main(String[] arguments) {
		double seconds = arguments.length > 0 ? Double.parseDouble(arguments[0]) : 0;
		long start = System.nanoTime();
		System.out.println("ready");
		while (seconds == 0 || System.nanoTime() - start < seconds * 1e9)
			sink += descend(30, sink);
	}
}
