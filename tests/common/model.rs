//! A model of keyrings, and steps that are taken in it and in the kernel at once.
//!
//! Some keyrings and keys hang from one keyring; few names, so that they displace each other. The fuzz
//! target takes the same steps: this file stands on its own.

use std::mem::MaybeUninit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyctl::{Collision, Error, Key, KeyType, Keyring, Permissions, Result, Rights};

/// Beyond these, the kernel's limit of nesting would come into play.
const MAX_RINGS: usize = 5;
/// Links may lead to so many keys at a time.
const MAX_NODES: usize = 24;
const NAMES: [&str; 4] = ["a", "b", "c;d", "\u{e4}\n"];

/// A key, as it should be.
struct Node {
    key: Key,
    name: usize,
    revoked: bool,
    what: What,
}

enum What {
    Ring(Vec<Key>),
    User(Vec<u8>),
}

impl Node {
    fn is_ring(&self) -> bool {
        matches!(self.what, What::Ring(_))
    }

    fn links(&self) -> &[Key] {
        match &self.what {
            What::Ring(links) => links,
            What::User(_) => &[],
        }
    }

    fn same(&self, other: &Self) -> bool {
        (self.name, self.is_ring()) == (other.name, other.is_ring())
    }
}

/// All that one keyring leads to, itself first.
pub struct World {
    nodes: Vec<Node>,
    steps: u32,
}

impl Drop for World {
    fn drop(&mut self) {
        let unlinked = Keyring::THREAD.unlink(self.nodes[0].key);
        assert!(unlinked.is_ok() || std::thread::panicking(), "left behind: {unlinked:?}");
    }
}

impl World {
    /// An empty keyring, which hangs from the thread keyring until the end.
    pub fn new() -> Self {
        let top = patient(|| Keyring::THREAD.add_keyring(NAMES[0])).unwrap();
        Self {
            nodes: vec![Node { key: top.into(), name: 0, revoked: false, what: What::Ring(vec![]) }],
            steps: 0,
        }
    }

    /// One step, and whether all is as it should be. `choose` gives a number below the one it is given.
    pub fn step(&mut self, choose: &mut impl FnMut(usize) -> usize) {
        self.steps += 1;
        let (ring, name) = (self.any_ring(choose), choose(NAMES.len()));
        let what = choose(64);
        match what {
            0..10 => self.add_key(ring, name),
            10..14 => self.add_ring(ring, name),
            14..34 => {
                let key = choose(self.nodes.len());
                self.link(ring, key);
            }
            34..42 => {
                let key = choose(self.nodes.len());
                self.unlink(ring, key);
            }
            42..52 => {
                let (key, to) = (choose(self.nodes.len()), self.any_ring(choose));
                let collision = [Collision::Displace, Collision::Refuse][choose(2)];
                self.move_to(key, ring, to, collision);
            }
            52..58 => {
                let key = choose(self.nodes.len());
                self.update(key);
            }
            58 => self.clear(ring),
            59..62 => {
                // The first stays, or there would be nothing left to do.
                let key = choose(self.nodes.len());
                if key > 0 {
                    self.revoke(key);
                }
            }
            _ => {
                let key = choose(self.nodes.len());
                if key > 0 && choose(4) == 0 {
                    self.invalidate(key);
                }
            }
        }
        self.forget_what_nothing_links();
        self.look();
        let (ring, name) = (self.any_ring(choose), choose(NAMES.len()));
        self.search(ring, name, choose(2) == 0);
    }

    fn any_ring(&self, choose: &mut impl FnMut(usize) -> usize) -> usize {
        let rings: Vec<_> = (0..self.nodes.len()).filter(|&i| self.nodes[i].is_ring()).collect();
        rings[choose(rings.len())]
    }

    fn ring(&self, at: usize) -> Keyring {
        self.nodes[at].key.into()
    }

    fn node(&self, key: Key) -> &Node {
        self.nodes.iter().find(|node| node.key == key).expect("a key of the model")
    }

    fn live(&self, nodes: &[usize]) -> Result<()> {
        if nodes.iter().any(|&at| self.nodes[at].revoked) { Err(Error::KeyRevoked) } else { Ok(()) }
    }

    /// The key in a keyring that is of the same type and name as that one.
    fn namesake(&self, ring: usize, name: usize, is_ring: bool) -> Option<Key> {
        let links = self.nodes[ring].links().iter().copied();
        links.into_iter().find(|&key| {
            let node = self.node(key);
            (node.name, node.is_ring()) == (name, is_ring)
        })
    }

    fn remove_link(&mut self, ring: usize, key: Key) {
        if let What::Ring(links) = &mut self.nodes[ring].what {
            links.retain(|&link| link != key);
        }
    }

    /// In place of a namesake.
    fn put_link(&mut self, ring: usize, key: Key) {
        let (name, is_ring) = (self.node(key).name, self.node(key).is_ring());
        if let Some(displaced) = self.namesake(ring, name, is_ring) {
            self.remove_link(ring, displaced);
        }
        if let What::Ring(links) = &mut self.nodes[ring].what {
            links.push(key);
        }
    }

    /// All that a key leads to, itself first.
    fn below(&self, key: Key) -> Vec<Key> {
        let mut found = vec![key];
        let mut next = 0;
        while let Some(&key) = found.get(next) {
            for &link in self.node(key).links() {
                if !found.contains(&link) {
                    found.push(link);
                }
            }
            next += 1;
        }
        found
    }

    fn add_key(&mut self, ring: usize, name: usize) {
        if self.nodes.len() >= MAX_NODES {
            return;
        }
        let payload = payload(self.steps);
        let made = patient(|| self.ring(ring).add_key(KeyType::USER, NAMES[name], &payload));
        if let Err(refused) = self.live(&[ring]) {
            return assert_eq!(made, Err(refused));
        }
        let key = made.unwrap();
        match self.namesake(ring, name, false).filter(|&old| !self.node(old).revoked) {
            // It is updated.
            Some(old) => {
                assert_eq!(key, old);
                let node = self.nodes.iter_mut().find(|node| node.key == old).unwrap();
                node.what = What::User(payload);
            }
            None => self.add_node(ring, Node { key, name, revoked: false, what: What::User(payload) }),
        }
    }

    fn add_ring(&mut self, ring: usize, name: usize) {
        let rings = self.nodes.iter().filter(|node| node.is_ring()).count();
        if rings >= MAX_RINGS || self.nodes.len() >= MAX_NODES {
            return;
        }
        let made = patient(|| self.ring(ring).add_keyring(NAMES[name]));
        match self.live(&[ring]) {
            Err(refused) => assert_eq!(made, Err(refused)),
            Ok(()) => {
                let key = made.unwrap().into();
                self.add_node(ring, Node { key, name, revoked: false, what: What::Ring(vec![]) });
            }
        }
    }

    fn add_node(&mut self, ring: usize, node: Node) {
        let key = node.key;
        assert!(self.nodes.iter().all(|node| node.key != key), "{key:?} is not new");
        // The model knows nothing of possession.
        key.set_permissions(Permissions::NONE.possessor(Rights::ALL).user(Rights::ALL)).unwrap();
        self.nodes.push(node);
        self.put_link(ring, key);
    }

    fn link(&mut self, ring: usize, key: usize) {
        let (into, key_) = (self.nodes[ring].key, self.nodes[key].key);
        let expected = self.live(&[ring, key]).and_then(|()| match self.below(key_).contains(&into) {
            true => Err(Error::Cycle),
            false => Ok(()),
        });
        assert_eq!(patient(|| self.ring(ring).link(key_)), expected);
        if expected.is_ok() {
            self.put_link(ring, key_);
        }
    }

    fn unlink(&mut self, ring: usize, key: usize) {
        let node = &self.nodes[key];
        let found = self.namesake(ring, node.name, node.is_ring());
        let expected = self.live(&[ring]).and_then(|()| found.ok_or(Error::NotFound));
        assert_eq!(self.ring(ring).unlink(node.key), expected.map(drop));
        if let Ok(found) = expected {
            self.remove_link(ring, found);
        }
    }

    fn move_to(&mut self, key: usize, from: usize, to: usize, collision: Collision) {
        let (node, into) = (&self.nodes[key], self.nodes[to].key);
        let key_ = node.key;
        let gone = self.namesake(from, node.name, node.is_ring());
        let there = self.namesake(to, node.name, node.is_ring());
        let expected = self.live(&[key, from, to]).and_then(|()| match gone {
            _ if from == to => Ok(None),
            None => Err(Error::NotFound),
            Some(_) if there.is_some() && collision == Collision::Refuse => Err(Error::AlreadyExists),
            Some(_) if self.below(key_).contains(&into) => Err(Error::Cycle),
            Some(gone) => Ok(Some(gone)),
        });
        let moved = patient(|| self.ring(from).move_to(key_, self.ring(to), collision));
        assert_eq!(moved, expected.map(drop));
        if let Ok(Some(gone)) = expected {
            self.remove_link(from, gone);
            self.put_link(to, key_);
        }
    }

    fn update(&mut self, key: usize) {
        let payload = payload(self.steps);
        let expected = self.live(&[key]).and_then(|()| match self.nodes[key].is_ring() {
            true => Err(Error::Unsupported),
            false => Ok(()),
        });
        assert_eq!(patient(|| self.nodes[key].key.update(&payload)), expected);
        if expected.is_ok() {
            self.nodes[key].what = What::User(payload);
        }
    }

    fn clear(&mut self, ring: usize) {
        let expected = self.live(&[ring]);
        assert_eq!(self.ring(ring).clear(), expected);
        if expected.is_ok() {
            self.nodes[ring].what = What::Ring(vec![]);
        }
    }

    /// A revoked keyring lets go of its links.
    fn revoke(&mut self, key: usize) {
        let expected = self.live(&[key]);
        assert_eq!(self.nodes[key].key.revoke(), expected);
        let node = &mut self.nodes[key];
        node.revoked = true;
        if node.is_ring() {
            node.what = What::Ring(vec![]);
        }
    }

    fn invalidate(&mut self, key: usize) {
        let expected = self.live(&[key]);
        assert_eq!(self.nodes[key].key.invalidate(), expected);
        if expected.is_ok() {
            let key = self.nodes[key].key;
            assert_eq!(key.revoke(), Err(Error::NoKey));
            for ring in (0..self.nodes.len()).filter(|&ring| self.nodes[ring].links().contains(&key)) {
                // Its links go when the collector has come round.
                let deadline = Instant::now() + Duration::from_secs(10);
                while links(self.ring(ring)).unwrap().contains(&key) {
                    assert!(Instant::now() < deadline, "{key:?} is still linked");
                    sleep(Duration::from_micros(200));
                }
            }
            for ring in 0..self.nodes.len() {
                self.remove_link(ring, key);
            }
        }
    }

    /// What no link leads to is collected some time; it is not looked at any more.
    fn forget_what_nothing_links(&mut self) {
        let linked = self.below(self.nodes[0].key);
        self.nodes.retain(|node| linked.contains(&node.key));
    }

    /// Every keyring links, and every key holds, what it should.
    fn look(&self) {
        let mut buffer = [0; 64];
        for node in &self.nodes {
            match &node.what {
                _ if node.revoked => assert_eq!(node.key.read(&mut buffer), Err(Error::KeyRevoked)),
                What::User(payload) => assert_eq!(node.key.read(&mut buffer).unwrap(), payload),
                What::Ring(expected) => {
                    let mut expected = expected.clone();
                    expected.sort_unstable();
                    let (bytes, found) = (node.key.payload_len(), links(node.key.into()));
                    let states: Vec<_> = expected.iter().map(|key| key.payload_len()).collect();
                    let what = || format!("step {}: {:?} of {states:?}", self.steps, node.key);
                    assert_eq!(found.as_ref(), Ok(&expected), "{}", what());
                    assert_eq!(bytes, Ok(expected.len() * size_of::<Key>()), "{}", what());
                }
            }
        }
    }

    /// What the keyring itself links comes first, then what its keyrings lead to, in an order of the
    /// kernel's own. A revoked match only counts where there is no other.
    fn search(&self, ring: usize, name: usize, for_ring: bool) {
        let key_type = if for_ring { KeyType::KEYRING } else { KeyType::USER };
        let found = self.ring(ring).search(key_type, NAMES[name]);
        if let Err(refused) = self.live(&[ring]) {
            return assert_eq!(found, Err(refused));
        }
        let matches = |key: &Key| (self.node(*key).name, self.node(*key).is_ring()) == (name, for_ring);
        let (revoked, live): (Vec<_>, Vec<_>) = self
            .below(self.nodes[ring].key)
            .into_iter()
            .filter(matches)
            .partition(|&key| self.node(key).revoked);
        let itself = Some(self.nodes[ring].key).filter(matches);
        let direct = self.namesake(ring, name, for_ring).filter(|&key| !self.node(key).revoked);
        match itself.or(direct) {
            Some(first) => assert_eq!(found, Ok(Some(first))),
            None if !live.is_empty() => assert!(live.contains(&found.unwrap().expect("it is linked"))),
            None if revoked.is_empty() => assert_eq!(found, Ok(None)),
            None => assert_eq!(found, Err(Error::KeyRevoked)),
        }
    }
}

fn links(ring: Keyring) -> Result<Vec<Key>> {
    let mut buffer = [MaybeUninit::uninit(); MAX_NODES + 1];
    let mut links = ring.links(&mut buffer)?.to_vec();
    links.sort_unstable();
    Ok(links)
}

/// Another one for every step.
fn payload(step: u32) -> Vec<u8> {
    step.to_ne_bytes().into_iter().cycle().take(4 + step as usize % 50).collect()
}

/// Quota comes back some time after the keys have gone.
pub fn patient<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match call() {
            Err(Error::QuotaExceeded) if Instant::now() < deadline => sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
}
