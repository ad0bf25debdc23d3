//! Kubernetes' quantities: `100m`, `128Mi`, `1e3`.

/// As a number of the base unit (cores, bytes, pieces); `None` for what is no quantity.
pub(super) fn number(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let with_unit = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (digits, factor) = with_unit.unwrap_or((text, &1.0));
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        for (text, wanted) in [("100m", 0.1), ("128Mi", 134_217_728.0), ("2", 2.0), ("1e3", 1000.0), ("5k", 5000.0)] {
            let found = number(text).expect("a quantity");
            assert!((found - wanted).abs() < 1e-9, "{text}: {found}");
        }
        assert_eq!((number(""), number("x"), number("inf")), (None, None, None));
    }
}
