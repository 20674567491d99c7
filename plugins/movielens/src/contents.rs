//! Which files of a release hold ratings and titles, and in which format. Leaves out reading them.

use crate::archive::{Member, Store};
use crate::release::{Format, Release};

/// The files of a release that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub format: Format,
    pub ratings: Member,
    pub titles: Option<Member>,
}

impl Contents {
    /// Looks for the release's own format first, then for the others. `None`: no file of ratings is there.
    pub fn find(store: &Store, release: &Release) -> Option<Self> {
        release.formats().find_map(|format| {
            let ratings = store.find(release.zip_folder, &format.ratings_file(release.name))?;
            let titles = store.find(release.zip_folder, &format.titles_file(release.name));
            Some(Self { format, ratings, titles })
        })
    }

    /// Ratings, then titles if there are any.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.ratings).chain(&self.titles)
    }
}
