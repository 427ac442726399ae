"""Bytes as words, to compare aloud: 256 words, no two of them with the same first three letters."""

from __future__ import annotations

from typing import Final

_LISTED: Final = """
acorn actor album amber angel apple apron arrow attic autumn badge baker bamboo banjo barrel basket beach
beetle bell berry bicycle blanket blossom boat bonfire bottle branch bread bridge bronze bucket butter cabin
cactus camel candle carpet castle cello cherry chimney cider circus clock coconut coffee comet copper cotton
crane crystal cup curtain daisy dancer desert diamond dinner doctor dolphin donkey dragon drum duck eagle
earth echo elbow elephant ember engine envelope fabric falcon farmer feather fiddle finger flag flute forest
fountain fridge frost fruit galaxy garden gate ginger giraffe glacier glove goblin golden grape guitar
hammer harbor hazel hedge helmet heron hockey honey horse hotel igloo island ivory jacket jaguar jasmine
jewel jigsaw juice jungle kettle kitchen koala ladder lake lantern lemon letter library lily lion lizard
lobster lotus lunch magnet maple marble meadow melon mirror monkey mountain museum napkin needle nest nickel
noodle oak oasis ocean office olive onion opera orange orchid otter owl oyster paddle palace panda parrot
peanut pencil pepper piano pigeon pillow pirate planet plum pocket poet pony potato pumpkin puzzle pyramid
quail queen quilt rabbit raccoon radio rain raven ribbon river robot rocket rope rose ruby saddle sailor
salmon sandal school scissors seven shadow shell silver singer sister skate sled snail sofa soup spider
spoon squirrel stable story sugar summer swan table tailor teapot temple tent theater thunder ticket tiger
tomato torch tower train trumpet tulip turtle twin umbrella uncle unicorn valley velvet village violin
volcano wagon walnut water wedding wheat window wizard wolf wool yacht yellow zebra zero zipper
"""

WORDS: Final = tuple(_LISTED.split())
"""In the order of the byte's value; a change of it would make two versions show different words."""


def code_words(octets: bytes) -> tuple[str, ...]:
    """Return a word for each byte."""
    return tuple(WORDS[octet] for octet in octets)
