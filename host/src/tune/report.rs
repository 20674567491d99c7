//! stub
pub fn page(_: &super::find::Study) -> String {
    String::new()
}
