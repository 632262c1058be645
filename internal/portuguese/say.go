package portuguese

import "fmt"

// Hour says an hour in minutes after midnight as it is written: 8*60 is "8h", 13*60+30 is
// "13h30". What is past midnight begins anew; 24:00 itself is "24h".
func Hour(minutes int) string {
	if minutes > 24*60 {
		minutes -= 24 * 60
	}
	if minutes%60 == 0 {
		return fmt.Sprintf("%dh", minutes/60)
	}
	return fmt.Sprintf("%dh%02d", minutes/60, minutes%60)
}
