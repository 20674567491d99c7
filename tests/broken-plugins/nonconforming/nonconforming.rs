//! A constructor for every test of the conformance suite: a small component that is good but for what the test asks.
//!
//! `tests/integration/conformance.rs` says which test each has to fail. The `Good` ones have to pass all.

mod data_loaders;
mod evaluators;
mod losses;
mod models;
mod parameters;
mod trainers;

use data_loaders::*;
use evaluators::*;
use losses::*;
use models::*;
use parameters::*;
use trainers::*;

plugin_api::export_plugin! {
    /// Passes every test.
    model: GoodModel,
    /// `shapes`
    model: SwapsUsersAndItems,
    /// `no-edges`
    model: DividesByEdges,
    /// `no-edges`, by hanging
    model: HangsWithoutEdges,
    /// `one-node`
    model: StandardisesNodes,
    /// `one-node`, by a segfault
    model: SegfaultsOnOneNode,
    /// `isolated-nodes`
    model: DividesByDegree,
    /// `duplicate-edges`
    model: RefusesDuplicates,
    /// `finite`
    model: OverflowsOnLargeFeatures,
    /// `gradients`
    model: HasAnUnusedWeight,
    /// `learns`
    model: TakesAllUsersForOne,
    /// `same-seed`
    model: CountsInstances,
    /// `weights`, by state that is not saved
    model: KeepsStateToItself,
    /// `weights`, by names
    model: NumbersItsWeights,
    /// `eval-mode`
    model: NoisyInEvalMode,
    /// `cycles`, by memory
    model: LeaksMemory,
    /// `cycles`, by descriptors
    model: LeaksDescriptors,
    /// `cycles`, by threads
    model: LeaksThreads,
    /// `global-seed`
    model: SeedsTheGenerator,
    /// `thread-counts`
    model: SetsTheThreads,
    /// `default-dtype`
    model: SetsTheDefaultType,
    /// `stdout`
    model: PrintsToStandardOutput,
    /// `files`
    model: LeavesAFile,
    /// `exit`
    model: AbortsAtExit,
    /// Passes every test.
    loss: GoodLoss,
    /// `shapes`
    loss: GivesDouble,
    /// `empty-batch`
    loss: MeanOfNothing,
    /// `finite`
    loss: OverflowsOnLargeScores,
    /// `gradients`
    loss: Detached,
    /// `forward-edges`
    loss: TwoFormulas,
    /// `learns`
    loss: RewardsMistakes,
    /// `same-seed`
    loss: CountsCalls,
    /// Passes every test.
    loss: GoodParameters,
    /// `schema`
    loss: DefaultOutsideItsRange,
    /// `defaults`
    loss: RefusesItsDefault,
    /// `garbage`
    loss: PanicsOnText,
    /// `missing`
    loss: PanicsWithoutParameter,
    /// `unknown`
    loss: TakesAnything,
    /// `range`
    loss: PanicsOutsideItsRange,
    /// `fuzz`
    loss: PanicsOnOddNumbers,
    /// Passes every test.
    evaluator: GoodEvaluator,
    /// `metrics`
    evaluator: MoreThanOne,
    /// `ordering`
    evaluator: UpsideDown,
    /// `ties`
    evaluator: DividesByDeviation,
    /// `no-held-out`
    evaluator: DividesByUsers,
    /// `known-edges`
    evaluator: RanksKnownItems,
    /// `same-seed`
    evaluator: CountsEvaluations,
    /// Passes every test.
    trainer: GoodTrainer,
    /// `learns`
    trainer: ClimbsUp,
    /// `report`
    trainer: Miscounts,
    /// `passes-graph`
    trainer: WithholdsTheGraph,
    /// `failing-parts`
    trainer: TrainsOnNaN,
    /// `cancel`
    trainer: GoesOn,
    /// `same-seed`
    trainer: NeverTheSame,
    /// Passes every test.
    data_loader: GoodLoader,
    /// `splits`
    data_loader: LeaksHeldOutEdges,
    /// `negatives`
    data_loader: TooFewNegatives,
    /// `whole-graph`
    data_loader: LosesEdges,
    /// `catalog`
    data_loader: ShortCatalog,
    /// `cancel`
    data_loader: SleepsOn,
    /// `same-seed`
    data_loader: ShufflesAnew,
}
