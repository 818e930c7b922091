/* W7: compiled by javac with -Xcomp: nearly all time goes into the JVM's own compiler threads. */
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

public class H {
	public static void main(String[] args)
	{
		Map<String, Integer> m = IntStream.range(0, 1000).boxed()
			.collect(Collectors.toMap(i -> "k" + i, i -> i));
		System.out.println(m.values().stream().mapToInt(x -> x).sum());
	}
}
