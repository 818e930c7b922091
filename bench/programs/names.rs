// Rust for names: generics, closures, iterators, traits, panics, formatting. Prints one number.
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::{self, Display, Write as _};

mod shapes {
    pub trait Area {
        fn area(&self) -> f64;
        fn twice(&self) -> f64 {
            self.area() * 2.0
        }
    }
    pub struct Circle(pub f64);
    pub struct Polygon<const N: usize>(pub [f64; N]);
    impl Area for Circle {
        fn area(&self) -> f64 {
            3.14159 * self.0 * self.0
        }
    }
    impl<const N: usize> Area for Polygon<N> {
        fn area(&self) -> f64 {
            self.0.iter().sum()
        }
    }
    pub fn make(n: usize) -> Box<dyn Area> {
        match n % 3 {
            0 => Box::new(Circle(n as f64)),
            1 => Box::new(Polygon::<3>([n as f64; 3])),
            _ => Box::new(Polygon::<7>([n as f64; 7])),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    Number(u64),
    Word(String),
    List(Vec<Token>),
}

impl Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Number(n) => write!(f, "{n:>5}"),
            Token::Word(w) => write!(f, "{w:?}"),
            Token::List(l) => {
                f.write_str("(")?;
                for t in l {
                    write!(f, "{t} ")?;
                }
                f.write_str(")")
            }
        }
    }
}

struct Parser<I: Iterator<Item = char>> {
    chars: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = char>> Parser<I> {
    fn token(&mut self) -> Option<Token> {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
        match self.chars.next()? {
            '(' => {
                let mut list = vec![];
                while let Some(t) = self.token() {
                    list.push(t);
                }
                Some(Token::List(list))
            }
            ')' => None,
            c if c.is_ascii_digit() => {
                let mut n = c.to_digit(10)? as u64;
                while let Some(d) = self.chars.peek().and_then(|c| c.to_digit(10)) {
                    n = n.wrapping_mul(10).wrapping_add(d as u64);
                    self.chars.next();
                }
                Some(Token::Number(n))
            }
            c => {
                let mut w = String::from(c);
                while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric()) {
                    w.push(c);
                }
                Some(Token::Word(w))
            }
        }
    }
}

fn weigh(t: &Token) -> u64 {
    match t {
        Token::Number(n) => *n,
        Token::Word(w) => w.bytes().map(u64::from).sum(),
        Token::List(l) => l.iter().map(weigh).fold(1, |a, b| a.wrapping_mul(31) ^ b),
    }
}

fn collections(n: usize) -> usize {
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    let mut tree = BTreeMap::new();
    let mut queue = VecDeque::with_capacity(8);
    for i in 0..n {
        by_key.entry(format!("k{}", i * 7919 % 101)).or_default().push(i);
        *tree.entry(i * 31 % 53).or_insert(0usize) += i;
        queue.push_back((i, i as f32));
        if queue.len() > 20 {
            queue.pop_front();
        }
    }
    let mut all: Vec<_> = by_key.into_iter().collect();
    all.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let seen: HashSet<_> = tree.values().copied().filter(|v| v % 3 == 0).collect();
    let windows = all.windows(2).filter(|w| w[0].1.len() == w[1].1.len()).count();
    let zipped = queue.iter().zip(tree.iter().rev()).map(|(a, b)| a.0 ^ *b.0).max();
    seen.len() + windows + zipped.unwrap_or(0)
}

fn risky(n: usize) -> Result<usize, Box<dyn std::error::Error>> {
    let text = if n % 5 == 0 { "x1".to_string() } else { n.to_string() };
    let v: usize = text.parse()?;
    let caught = std::panic::catch_unwind(|| {
        let a = [1usize, 2, 3];
        a[v % 4]
    });
    Ok(caught.unwrap_or(7))
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let n = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(200usize);
    let mut sum = 0u64;
    for i in 0..n {
        let mut text = String::new();
        write!(text, "(add {i} (mul x{i} 17) \"q\") {}", i * i).unwrap();
        let mut p = Parser { chars: text.chars().peekable() };
        while let Some(t) = p.token() {
            sum = sum.wrapping_add(weigh(&t)).wrapping_add(t.to_string().len() as u64);
        }
        sum += collections(i) as u64 + risky(i).unwrap_or(1) as u64;
        sum += (0..i).map(shapes::make).map(|s| s.twice() as u64).sum::<u64>();
    }
    let handle = std::thread::spawn(move || collections(n) as u64);
    println!("{}", sum.wrapping_add(handle.join().unwrap()));
}
