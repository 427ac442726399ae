"""Short names of the emoji that people write most; each one is a single character, two columns wide."""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
😀 grinning  😃 smiley  😄 smile  😁 grin  😆 laughing  😅 sweat_smile  🤣 rofl  😂 joy  🙂 slight_smile
🙃 upside_down  😉 wink  😊 blush  😇 innocent  🥰 in_love  😍 heart_eyes  🤩 star_struck  😘 kiss  😋 yum
😛 tongue  😜 wink_tongue  🤗 hug  🤭 oops  🤫 shush  🤔 thinking  🤐 zipper  🤨 raised_eyebrow  😐 neutral
😏 smirk  😒 unamused  🙄 eye_roll  😬 grimace  🤥 liar  😌 relieved  😔 pensive  😪 sleepy  😴 sleeping
😷 mask  🤒 thermometer  🤕 hurt  🤢 nauseated  🤧 sneeze  🥵 hot  🥶 cold  😵 dizzy  🤯 mind_blown
🤠 cowboy  🥳 party  😎 cool  🤓 nerd  🧐 monocle  😕 confused  😟 worried  😮 open_mouth  😲 astonished
😳 flushed  🥺 pleading  😨 fearful  😰 anxious  😢 cry  😭 sob  😱 scream  😓 sweat  😩 weary  😫 tired
🥱 yawn  😤 triumph  😡 rage  😠 angry  🤬 cursing  😈 devil  💀 skull  💩 poop  🤡 clown  👻 ghost
👽 alien  🤖 robot  🙈 see_no_evil  🙉 hear_no_evil  🙊 speak_no_evil  💋 kiss_mark  💘 cupid  💖 heart
💔 broken_heart  💛 yellow_heart  💚 green_heart  💙 blue_heart  💜 purple_heart  🖤 black_heart  💯 hundred
💥 boom  💦 splash  💨 dash  💬 speech  💭 thought  💤 zzz  👋 wave  🤚 raised_back  ✋ raised_hand
👌 ok_hand  🤏 pinch  🤞 fingers_crossed  🤘 metal  🤙 call_me  👈 left  👉 right  👆 up  👇 down
👍 thumbsup  👎 thumbsdown  ✊ fist  👊 punch  👏 clap  🙌 raised_hands  🙏 pray  🤝 handshake  💪 muscle
👀 eyes  🧠 brain  🙋 raising_hand  🤷 shrug  🤦 facepalm  🙇 bow  🏃 run  💃 dance  🐶 dog  🐱 cat
🐭 mouse  🦊 fox  🐻 bear  🐼 panda  🐸 frog  🐵 monkey  🐔 chicken  🐧 penguin  🦉 owl  🦄 unicorn  🐝 bee
🐛 bug  🐢 turtle  🐍 snake  🐙 octopus  🐬 dolphin  🐳 whale  💐 bouquet  🌹 rose  🌻 sunflower  🌲 tree
🌵 cactus  🍀 clover  🍎 apple  🍌 banana  🍓 strawberry  🥑 avocado  🌽 corn  🍞 bread  🧀 cheese
🍔 burger  🍟 fries  🍕 pizza  🍣 sushi  🍦 ice_cream  🍩 donut  🍪 cookie  🎂 cake  🍫 chocolate  ☕ coffee
🍵 tea  🍷 wine  🍺 beer  🍻 beers  🥂 cheers  🌍 earth  🏠 house  🚗 car  🚌 bus  🚆 train  🚲 bike
🛫 plane  🚀 rocket  ⏰ alarm_clock  ⌛ hourglass  🌙 moon  🌞 sun  ⭐ star  🌟 glowing_star  🌈 rainbow
⚡ lightning  🔥 fire  🌊 ocean  🎃 pumpkin  🎄 christmas  ✨ sparkles  🎈 balloon  🎉 tada  🎁 gift
🏆 trophy  🥇 first_place  ⚽ soccer  🏀 basketball  🎮 game  🎲 dice  🎨 art  🎵 music  🎸 guitar
🎧 headphones  📱 phone  💻 laptop  💾 floppy  📷 camera  🔍 search  💡 bulb  📖 book  💰 money  📧 email
📦 package  📌 pin  📎 paperclip  🔒 lock  🔓 unlock  🔑 key  🔨 hammer  🔧 wrench  🔗 link  🧪 test_tube
💊 pill  🚪 door  🧹 broom  🛑 stop  ✅ check  ❌ cross  ❓ question  ❗ exclamation  🚧 construction
📈 chart_up  📉 chart_down  📅 calendar  🔔 bell  🔕 no_bell  🔊 loud  🔇 mute  🆗 ok  🆕 new  🏁 finish
🚩 flag
"""

EMOJI: Final[dict[str, str]] = {
    name: emoji for emoji, name in zip(_TABLE.split()[::2], _TABLE.split()[1::2], strict=True)
}
"""From the name without its colons to the character."""
