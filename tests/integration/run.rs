//! A run and what it leaves.

use crate::support::Sandbox;

#[test]
fn a_run_leaves_what_the_design_says() {
    let sandbox = Sandbox::new().with_ratings(40, 30);
    let run = sandbox.train(&["configs/config.yaml", "trainer.params.num_epochs=3", "seed=7"]);
    assert_eq!(sandbox.metrics(&run).len(), 3);
}
