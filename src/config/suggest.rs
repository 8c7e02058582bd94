//! What somebody may have meant.

/// `; did you mean …?`, or the words that are known.
pub fn suggest(text: &str, known: &[&str]) -> String {
    let close = known.iter().map(|word| (distance(text, word), *word));
    if let Some((_, word)) = close.filter(|(distance, word)| *distance <= 1 + word.len() / 4).min() {
        return format!("; did you mean {word}?");
    }
    let mut known = known.to_vec();
    known.sort_unstable();
    known.dedup();
    format!("; known: {}", known.join(", "))
}

/// The edit distance of two words, letter case aside.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().take(64).enumerate() {
        let mut next = vec![i + 1];
        for ((j, y), pair) in b.iter().enumerate().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.get(j).copied().unwrap_or(i + 1);
            next.push((diagonal + usize::from(x != *y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
