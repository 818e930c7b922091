// D for names: ranges, templates, closures, nested functions, classes, mixins, contracts.
module names;
import std.algorithm, std.array, std.conv, std.format, std.json, std.range, std.regex, std.stdio, std.string,
    std.typecons;

interface Shape
{
    double area() const;
}

class Circle : Shape
{
    double r;
    this(double r)
    {
        this.r = r;
    }

    double area() const
    {
        return 3.14159 * r * r;
    }
}

class Polygon(size_t n) : Shape
{
    double[n] side;
    this(double s)
    {
        side[] = s;
    }

    double area() const
    {
        return side[].sum;
    }
}

struct Stack(T)
{
    private T[] items;
    void push(T t)
    out (; !items.empty)
    {
        items ~= t;
    }

    T pop()
    in (!items.empty)
    {
        auto t = items[$ - 1];
        items.length--;
        return t;
    }

    int opApply(scope int delegate(ref T) f)
    {
        foreach (ref t; items)
            if (auto r = f(t))
                return r;
        return 0;
    }
}

mixin template Counted()
{
    int count;
    void touch()
    {
        count++;
    }
}

struct Words
{
    mixin Counted;
    size_t[string] seen;
    void put(string text)
    {
        foreach (m; text.matchAll(regex(`([a-z]+)(\d*)`)))
        {
            seen[m[1]] += m[2].length;
            touch();
        }
    }
}

size_t nested(size_t n)
{
    size_t calls;
    size_t ack(size_t a, size_t b)
    {
        calls++;
        return a == 0 ? b + 1 : b == 0 ? ack(a - 1, 1) : ack(a - 1, ack(a, b - 1));
    }

    return ack(2, n) + calls;
}

size_t risky(string text)
{
    try
        return text.to!size_t;
    catch (ConvException e)
        return e.msg.length;
    finally
        text = null;
}

void main(string[] args)
{
    immutable n = args.length > 1 ? args[1].to!int : 50;
    size_t total;
    Words words;
    foreach (i; 0 .. n)
    {
        Stack!int s;
        foreach (k; iota(1, i + 2).map!(a => a * 7919 % 101).filter!(a => a & 1).take(20))
            s.push(k);
        foreach (ref k; s)
            total += k;
        words.put(format("abc%d def%05x %(%s %)", i, i, [1, 2, i]));
        auto sorted = iota(i).map!(k => tuple(k * 31 % 17, k.to!string)).array.sort!((a, b) => a[0] < b[0]);
        total += sorted.group!((a, b) => a[0] == b[0]).walkLength;
        Shape[] all = iota(i).map!(k => k % 2 ? cast(Shape) new Circle(k) : new Polygon!5(k)).array;
        total += all.map!(a => a.area).fold!((a, b) => a + b)(0.0).to!size_t;
        auto j = parseJSON(`{"a": [1, 2, {"b": "c"}], "n": %d}`.format(i));
        total += j["a"].array.length + j.toString.length + nested(i % 5) + risky(i % 3 ? i.to!string : "x");
    }
    writeln(total, " ", words.seen.keys.sort.joiner(","), words.count);
}
