"""The emoji that bots use, by Slack's short names; any other shows as its `:name:`."""

from typing import Final

_TABLE: Final = """
+1 👍|-1 👎|ok_hand 👌|wave 👋|clap 👏|raised_hands 🙌|pray 🙏|muscle 💪|point_right 👉
point_left 👈|point_up 👆|point_down 👇|eyes 👀|smile 😄|slightly_smiling_face 🙂|grin 😁
joy 😂|wink 😉|blush 😊|thinking_face 🤔|neutral_face 😐|confused 😕|cry 😢|sob 😭|scream 😱
sunglasses 😎|sleeping 😴|zzz 💤|tada 🎉|sparkles ✨|star ⭐|star2 🌟|fire 🔥|boom 💥
rocket 🚀|zap ⚡|bulb 💡|heart ❤️|broken_heart 💔|red_circle 🔴|large_orange_circle 🟠
large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|large_purple_circle 🟣
large_brown_circle 🟤|white_circle ⚪|black_circle ⚫|large_red_square 🟥
large_orange_square 🟧|large_yellow_square 🟨|large_green_square 🟩|large_blue_square 🟦
white_large_square ⬜|black_large_square ⬛|white_square_button 🔳
black_square_button 🔲|small_red_triangle 🔺|small_red_triangle_down 🔻
small_orange_diamond 🔸|small_blue_diamond 🔹|large_orange_diamond 🔶
large_blue_diamond 🔷|arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️
arrow_upper_right ↗️|arrow_lower_right ↘️|arrow_forward ▶️|arrow_backward ◀️
arrows_counterclockwise 🔄|left_right_arrow ↔️|leftwards_arrow_with_hook ↩️
arrow_right_hook ↪️|rewind ⏪|fast_forward ⏩|new 🆕|up 🆙|sos 🆘|warning ⚠️
rotating_light 🚨|no_entry ⛔|no_entry_sign 🚫|x ❌|negative_squared_cross_mark ❎
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|question ❓
grey_question ❔|exclamation ❗|grey_exclamation ❕|bangbang ‼️|information_source ℹ️
heavy_plus_sign ➕|heavy_minus_sign ➖|hash #️⃣|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣
five 5️⃣|100 💯|hourglass ⌛|hourglass_flowing_sand ⏳|alarm_clock ⏰|stopwatch ⏱️
timer_clock ⏲️|clock1 🕐|clock3 🕒|clock9 🕘|calendar 📆|date 📅|spiral_calendar_pad 🗓️
bell 🔔|no_bell 🔕|loudspeaker 📢|mega 📣|mag 🔍|mag_right 🔎|link 🔗|paperclip 📎|pushpin 📌
round_pushpin 📍|memo 📝|pencil 📝|pencil2 ✏️|page_facing_up 📄|clipboard 📋|card_index 📇
card_file_box 🗃️|file_folder 📁|open_file_folder 📂|inbox_tray 📥|outbox_tray 📤
package 📦|envelope ✉️|email 📧|incoming_envelope 📨|speech_balloon 💬|thought_balloon 💭
bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|trophy 🏆
wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|nut_and_bolt 🔩|toolbox 🧰|lock 🔒
unlock 🔓|key 🔑|closed_lock_with_key 🔐|shield 🛡️|bug 🐛|beetle 🐞|ladybug 🐞|ambulance 🚑
hospital 🏥|pill 💊|thermometer 🌡️|construction 🚧|traffic_light 🚦
vertical_traffic_light 🚦|triangular_flag_on_post 🚩|checkered_flag 🏁|white_flag 🏳️
robot_face 🤖|bust_in_silhouette 👤|busts_in_silhouette 👥|office 🏢|technologist 🧑‍💻
computer 💻|desktop_computer 🖥️|electric_plug 🔌|battery 🔋|satellite_antenna 📡
phone ☎️|telephone_receiver 📞|iphone 📱|globe_with_meridians 🌐|earth_africa 🌍
sunny ☀️|sunrise 🌅|cloud ☁️|partly_sunny ⛅|rain_cloud 🌧️|snowflake ❄️|umbrella ☔
zipper_mouth_face 🤐|label 🏷️|moneybag 💰|dart 🎯|seedling 🌱|coffee ☕|ticket 🎫
recycle ♻️|infinity ♾️|wastebasket 🗑️|star-struck 🤩|see_no_evil 🙈|ghost 👻|skull 💀
broom 🧹|ladder 🪜|stethoscope 🩺|fire_engine 🚒|octagonal_sign 🛑|repeat 🔁|newspaper 📰
scroll 📜|books 📚|book 📖|bookmark 🔖|nerd_face 🤓|handshake 🤝|salute 🫡
"""

EMOJI: Final = dict(
    pair.rsplit(" ", 1) for line in _TABLE.split("\n") for pair in line.split("|") if pair
)
