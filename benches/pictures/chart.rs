//! One curve as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 34.0;
const RIGHT: f64 = 16.0;

pub(crate) struct Chart {
    what: &'static str,
    unit: &'static str,
    /// Marks along the bottom.
    marks: u8,
    points: Vec<(f64, f64)>,
}

impl Chart {
    pub(crate) fn new(what: &'static str, unit: &'static str, marks: u8) -> Chart {
        Chart {
            what,
            unit,
            marks,
            points: Vec::new(),
        }
    }

    pub(crate) fn point(&mut self, x: f64, y: f64) {
        self.points.push((x, y));
    }

    pub(crate) fn svg(&self) -> String {
        let most = |of: fn(&(f64, f64)) -> f64| self.points.iter().map(of).fold(0.0, f64::max);
        let (x_max, y_max) = (most(|point| point.0), nice(most(|point| point.1)));
        let x = |value: f64| LEFT + value / x_max * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / y_max * (HEIGHT - BOTTOM - TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\" fill=\"#444\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
            self.what
        );
        for step in 0..=4 {
            let value = y_max * f64::from(step) / 4.0;
            let at = y(value);
            svg += &format!(
                "<path d=\"M{LEFT} {at:.1}H{}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>\n",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0
            );
        }
        for mark in 0..=self.marks {
            let value = x_max * f64::from(mark) / f64::from(self.marks);
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{value:.0}</text>\n",
                x(value),
                HEIGHT - BOTTOM + 18.0
            );
        }
        let mut path = String::new();
        for (index, (at, value)) in self.points.iter().enumerate() {
            let verb = if index == 0 { 'M' } else { 'L' };
            write!(path, "{verb}{:.1} {:.1}", x(*at), y(*value)).expect("to a string");
        }
        svg + &format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"#2563eb\" stroke-width=\"2\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n</svg>\n",
            WIDTH - RIGHT,
            HEIGHT - 4.0,
            self.unit
        )
    }
}

/// The next of 1, 2, 4, 8 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}
