//! The buffers that ureq works in: as large as they must be, and without a secret.

use ureq::unversioned::transport::Buffers;

use super::buffer::Window;

/// Room that ureq always finds for what it writes next.
const OUTPUT_ROOM: usize = 2 * 1024;

/// What one connection has in front of ureq.
#[derive(Default)]
pub(super) struct Desk {
    /// What has come of the answer, its body covered.
    input: Window,
    /// The request without headers of ours, with zeroes for its body, as far as it is written.
    output: Vec<u8>,
    written: usize,
    /// Whether ureq got any further with the input since it last grew.
    is_read: bool,
}

impl Desk {
    /// Adds `amount` bytes of the output to what is written, and shows all of that.
    pub(super) fn write(&mut self, amount: usize) -> &[u8] {
        self.written = self.output.len().min(self.written + amount);
        &self.output[..self.written]
    }

    /// Makes room for the next request.
    pub(super) fn clear_output(&mut self) {
        self.written = 0;
    }

    /// Lets `bring` append to the input; then `cover` gets what it has appended.
    pub(super) fn take_in<R, E>(
        &mut self,
        bring: impl FnOnce(&mut Window) -> R,
        cover: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<R, E> {
        let before = self.input.unread().len();
        let brought = bring(&mut self.input);
        let new = &mut self.input.unread_mut()[before..];
        self.is_read |= !new.is_empty();
        cover(new)?;
        Ok(brought)
    }

    /// Whether ureq has dealt with all that came.
    pub(super) fn is_clear(&self) -> bool {
        self.input.unread().is_empty()
    }

    /// Forgets the last answer.
    pub(super) fn wipe(&mut self) {
        self.input.wipe();
    }
}

impl Buffers for Desk {
    fn output(&mut self) -> &mut [u8] {
        let needed = self.written + OUTPUT_ROOM;
        if self.output.len() < needed {
            self.output.resize(needed, 0);
        }
        &mut self.output[self.written..]
    }

    fn input(&self) -> &[u8] {
        self.input.unread()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.input.spare(1)
    }

    fn input_appended(&mut self, amount: usize) {
        self.input.filled(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.is_read = amount > 0;
        self.input.consume(amount);
    }

    /// ureq needs the first only for a chunked request, which caretoken never sends.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut [], self.output())
    }

    fn can_use_input(&self) -> bool {
        self.is_read && !self.is_clear()
    }
}
